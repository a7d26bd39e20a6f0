/**
 * The operator: in whose name a command is given.
 *
 * **Details**
 *
 * Isolations are counted by operator, so that one does not end what another has begun. Two without a name would be one.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { constUndefined } from "effect/Function"
import * as Option from "effect/Option"
import { LONGEST_OPERATOR } from "../admin/internal/limits.ts"
import { Failure } from "./internal/Failure.ts"

/** Asks the operating system who runs this program; it may not know. */
export const SystemUser = Context.Reference<() => string | undefined>("effect-resilience/cli/SystemUser", {
  defaultValue: () => constUndefined
})

/** Whom the command is given for, if somebody said so. */
export const by = Flag.String("by").pipe(
  Flag.optional,
  Flag.withDescription("In whose name (default $USER, or who you are for the operating system)")
)

/** The name of the operator. */
export const nameOf = (by: Option.Option<string>) =>
  Effect.gen(function* () {
    if (Option.isSome(by)) return yield* shortEnough("--by", by.value)
    const user = yield* Effect.option(Config.orElse(Config.String("USER"), () => Config.String("USERNAME")))
    const ask = yield* SystemUser
    const name = Option.getOrElse(user, () => "") || ask()
    return name === undefined || name === "" ? yield* nobody : yield* shortEnough("$USER", name)
  })

const shortEnough = (where: string, name: string) =>
  name.length <= LONGEST_OPERATOR
    ? Effect.succeed(name)
    : Effect.fail(
        new Failure({
          reason: "usage",
          problem: `${where}: expected a name of at most ${LONGEST_OPERATOR} characters, got ${name.length}`
        })
      )

const nobody = new Failure({
  reason: "usage",
  problem: "who are you? Neither $USER nor the operating system says: --by tells in whose name"
})
