/**
 * What the admin API can be told, and how it is checked.
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Fields from "../../policy/internal/options.ts"

/** Everything but the token. */
export const Options = Schema.Struct({
  protectReads: Fields.defaulted(Schema.Boolean, false, {
    description: "Whether the token is needed for everything, not only for commands."
  }),
  hosts: Fields.defaulted(Schema.Array(Schema.String), [], {
    description:
      'Names, such as "admin.internal", under which other machines may reach it. By default only this machine may.'
  }),
  maxEventReaders: Fields.defaulted(Fields.PositiveInt, 32, {
    description: "How many may read events at the same time."
  }),
  maxBodyBytes: Fields.defaulted(Fields.PositiveInt, 65_536, {
    description: "How large the body of a command may be."
  }),
  heartbeat: Fields.defaulted(Fields.FiniteDuration, Duration.seconds(15), {
    description: "How often a stream of events says that it is alive."
  })
})

/** Checked settings. */
export interface Settings extends Readonly<typeof Options.Type> {
  readonly token: Redacted.Redacted | undefined
}

/** What a header can carry. A token from a file often ends in a line break. */
const SENDABLE = /^[!-~](?:[ -~]*[!-~])?$/

/** Checks what it was told; what is wrong is a defect. */
export const resolve = ({
  token,
  ...options
}: typeof Options.Encoded & {
  readonly token?: Redacted.Redacted | Config.Config<Redacted.Redacted | undefined> | undefined
}): Effect.Effect<Settings, Config.ConfigError> =>
  Effect.gen(function* () {
    const resolved = Config.isConfig(token) ? yield* token : token
    const checked = Fields.decodeOrThrow("Admin", { options: Options, ineffective: [] }, options)
    if (resolved !== undefined && Redacted.value(resolved).trim() === "") {
      throw new Error("Admin: the token is empty: everybody would know it")
    }
    if (resolved !== undefined && !SENDABLE.test(Redacted.value(resolved))) {
      throw new Error("Admin: nobody could send the token: expected printable ASCII, and no space at its ends")
    }
    if (checked.protectReads && resolved === undefined) {
      throw new Error("Admin: protectReads needs a token: without one, nobody could read")
    }
    return { ...checked, token: resolved }
  })
