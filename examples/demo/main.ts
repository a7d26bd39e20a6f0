/**
 * `npm start`: shows what the patterns do for a service whose provider has a bad day.
 *
 * Start reading at `protection.ts`, which is all that differs between the two sides; `day.ts` puts the rest together.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cause, Effect, Result } from "effect"
import * as Day from "./day.ts"
import { help, type Options, parse } from "./options.ts"
import { table } from "./report.ts"
import * as Terminal from "./terminal.ts"

const demo = Effect.fnUntraced(function* (options: Options) {
  const terminal = yield* Terminal.make(process.stdout)
  const play = Effect.gen(function* () {
    const day = yield* Day.play(options, options.json ? () => Effect.never : terminal.show)
    const result = options.json ? JSON.stringify(day.report) : `\n${table(day, terminal.paint)}`
    yield* terminal.write(`${result}\n`)
  })
  yield* Effect.raceFirst(play, terminal.closed)
})

const complain = (cause: Cause.Cause<Error>) =>
  Effect.sync(() => {
    if (Cause.hasInterruptsOnly(cause)) return
    console.error(Cause.hasDies(cause) ? Cause.pretty(cause) : Cause.prettyErrors(cause).map(String).join("\n"))
  })

const parsed = parse(process.argv.slice(2))
if (Result.isFailure(parsed)) {
  console.error([...parsed.failure, "npm start -- --help lists the options."].join("\n"))
  process.exitCode = 2
} else if (parsed.success.help) {
  process.stdout.write(help)
} else {
  NodeRuntime.runMain(Effect.tapCause(demo(parsed.success), complain), { disableErrorReporting: true })
}
