/**
 * The environment as an application would read it that says nothing in code (`Resilience.layerEnv`).
 */
import * as Flag from "effect/cli/Flag"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { read } from "../resilience/internal/environment.ts"
import { namesIn } from "../resilience/internal/strangers.ts"
import * as ResilienceConfig from "../resilience/ResilienceConfig.ts"
import { Failure } from "./internal/Failure.ts"

/** A file with variables, below those of the process. */
export const envFile = Flag.File("file").pipe(
  Flag.optional,
  Flag.withDescription("A file with further variables; those of the environment count more")
)

/** The variables that concern the library. */
export const variables = (file: Option.Option<string>) =>
  Effect.gen(function* () {
    const own = yield* readFrom(yield* ConfigProvider.ConfigProvider)
    if (Option.isNone(file)) return own
    const written = yield* Effect.mapError(
      ConfigProvider.fromDotEnv({ path: file.value }),
      ({ message }) => new Failure({ reason: "usage", problem: `--file ${file.value} cannot be read: ${message}` })
    )
    return new Map([...(yield* readFrom(written)), ...own])
  })

/** What is wrong with variables, so that an application would not start, or else what is odd about them. */
export const mistakesIn = (
  variables: ReadonlyMap<string, string>
): { readonly mistakes: ReadonlyArray<string>; readonly warnings: ReadonlyArray<string> } =>
  Result.match(ResilienceConfig.resolve({}, variables), {
    onSuccess: ({ warnings }) => ({ mistakes: [], warnings }),
    onFailure: (mistakes) => ({ mistakes, warnings: [] })
  })

/** Neither the variables of a process nor those of a file that has been read can fail to be there. */
const readFrom = (provider: ConfigProvider.ConfigProvider) => Effect.orDie(read(provider, namesIn({})))
