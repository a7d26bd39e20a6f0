/**
 * What a command writes: text for people, or JSON for programs.
 */
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Failure } from "./internal/Failure.ts"
import { colored, type Paint, plain, visible } from "./internal/paint.ts"

/** Whether programs read the output. */
export const Json = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withDefault(false),
    Flag.withoutNegation,
    Flag.withDescription("Write JSON, for programs")
  )
})

/** How texts are painted here: not at all where nobody sees colours, or somebody asked for none (https://no-color.org). */
export const paint: Effect.Effect<Paint> = Effect.map(TerminalCapabilities.TerminalCapabilities, ({ canColor }) =>
  canColor ? colored : plain
)

/** Writes a result. */
export const print = (text: (paint: Paint) => string, json: () => unknown) =>
  Effect.gen(function* () {
    if (yield* Json) return yield* Console.log(JSON.stringify(json(), null, 2))
    yield* Console.log(text(yield* paint))
  })

/** Tells why a command does not end well, if it has not been said already. */
export const reporting = <A, E, R>(command: Effect.Effect<A, E | Failure, R>) =>
  Effect.tapError(command, (error) => {
    if (!(error instanceof Failure) || error.problem === undefined) return Effect.void
    return report(error.reason, error.problem)
  })

const report = (reason: Failure["reason"], problem: string) =>
  Effect.gen(function* () {
    if (yield* Json) return yield* Console.error(JSON.stringify({ reason, problem }))
    const style = yield* paint
    yield* Console.error(`${style("red", "✗")} ${visible(problem)}`)
  })

/** Tells what is worth knowing beside the result: not where programs read that. */
export const warn = (problem: string) =>
  Effect.gen(function* () {
    if (yield* Json) return yield* Console.error(JSON.stringify({ warning: problem }))
    const style = yield* paint
    yield* Console.error(`${style("yellow", "!")} ${visible(problem)}`)
  })
