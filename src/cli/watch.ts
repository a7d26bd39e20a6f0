/**
 * `watch`: the services, again and again, until somebody presses a key.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import type { Api } from "../admin/index.ts"
import { durationIn } from "../resilience/internal/texts.ts"
import { address, ask, connect } from "./application.ts"
import * as Screen from "./internal/screen.ts"
import { overview } from "./internal/statusTable.ts"
import { Json, paint, reporting, warn } from "./output.ts"

/** `watch` */
export const watch = Command.make(
  "watch",
  {
    every: Flag.String("every").pipe(
      Flag.filterMap(
        (text) => Option.filter(Option.fromUndefinedOr(durationIn(text.trim())), Duration.isGreaterThan(Duration.zero)),
        (text) => `expected a duration such as "2 seconds", got "${text}"`
      ),
      Flag.withDefault(Duration.seconds(1)),
      Flag.withDescription("How often to look (default 1 second); a bare number is seconds")
    )
  },
  ({ every }) =>
    reporting(
      Effect.gen(function* () {
        const isJson = yield* Json
        const { canAnimate } = yield* TerminalCapabilities.TerminalCapabilities
        yield* canAnimate && !isJson ? onScreen(every) : lineByLine(every)
      })
    )
).pipe(
  Command.withDescription(
    "Shows all services and the last events, and keeps them up to date until the application refuses; q quits"
  )
)

/** For pipes and files: one table after the other, or one JSON object a line. */
const lineByLine = (every: Duration.Duration) =>
  Effect.gen(function* () {
    const isJson = yield* Json
    const style = yield* paint
    const look = yield* looking
    let told: Screen.Outage | undefined
    const show = Effect.gen(function* () {
      const { outage, status } = yield* look
      const at = DateTime.formatIso(yield* DateTime.now)
      if (outage !== undefined && outage !== told) {
        yield* warn(`not reachable since ${DateTime.formatIso(outage.since)}: ${outage.problem}`)
      }
      told = outage
      if (outage !== undefined) return
      yield* Console.log(isJson ? JSON.stringify({ at, status }) : [at, ...overview(status, style), ""].join("\n"))
    })
    yield* Effect.forever(Effect.andThen(show, Effect.sleep(every)))
  })

/** For terminals. However it ends, the terminal is as it was before. */
const onScreen = (every: Duration.Duration) =>
  Effect.scoped(
    Effect.gen(function* () {
      const terminal = yield* Terminal.Terminal
      const url = yield* address
      const style = yield* paint
      // Asked once before the screen changes: who made a slip in the address sees that, and no flicker.
      const look = yield* looking
      const display = (text: string) => Effect.ignore(terminal.display(text))
      yield* Effect.acquireRelease(display(Screen.enter), () => display(Screen.leave))
      const events = yield* lastEvents(url)
      const show = Effect.gen(function* () {
        const frame: Screen.Frame = { url, every, ...(yield* look), now: yield* DateTime.now, events: events() }
        yield* display(Screen.draw(Screen.lines(frame, (yield* terminal.rows) || ROWS, style)))
      })
      yield* Effect.raceFirst(quit, Effect.forever(Effect.andThen(show, Effect.sleep(every))))
    })
  )

/** Asks for the status; once it was told, it is kept while the application does not answer, unless it refuses to. */
const looking = Effect.gen(function* () {
  const question = ask((client) => client.status())
  let status = yield* question
  let outage: Screen.Outage | undefined
  return Effect.gen(function* () {
    const answer = yield* Effect.result(question)
    if (Result.isSuccess(answer)) [status, outage] = [answer.success, undefined]
    else if (!answer.failure.mayPass) return yield* answer.failure
    else if (outage?.problem !== answer.failure.message) {
      outage = { since: outage?.since ?? (yield* DateTime.now), problem: answer.failure.message }
    }
    return { status, outage }
  })
})

/** Of a terminal that does not tell. */
const ROWS = 24

/** Somebody presses q, or what ends programs: Escape, Ctrl-C, Ctrl-D. Without a keyboard, nobody does. */
const quit = Effect.scoped(
  Effect.gen(function* () {
    const { canPrompt } = yield* TerminalCapabilities.TerminalCapabilities
    if (!canPrompt) return yield* Effect.never
    const terminal = yield* Terminal.Terminal
    const keys = Stream.fromQueue(yield* terminal.readInput)
    yield* Stream.runDrain(Stream.takeUntil(keys, ({ key }) => key.name === "q"))
  })
)

/** More than any screen has room for. */
const MOST_EVENTS = 200

/** How long to wait before events are asked for again, the last of which are told again then. */
const AGAIN = Duration.seconds(1)

/** What has happened, but for what happens all the time. Who cannot read events sees the services all the same. */
const lastEvents = (url: string) =>
  Effect.gen(function* () {
    const client = yield* connect(url)
    const events: Array<Api.Event> = []
    const keep = (event: Api.Event): void => {
      if (event.severity !== "Debug") events.push(event)
      if (events.length > MOST_EVENTS) events.shift()
    }
    const stream = Stream.unwrap(
      Effect.tap(client.events({ query: {} }), () => Effect.sync(() => void events.splice(0)))
    )
    const listen = Stream.runForEach(stream, (event) => Effect.sync(() => keep(event)))
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.ignore(listen), Effect.sleep(AGAIN))))
    return () => events
  })
