/**
 * `events`: what has happened, and what happens.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Api } from "../admin/index.ts"
import { address, ask, connect, failureOf, unreachable } from "./application.ts"
import { eventLine } from "./internal/eventLine.ts"
import type { Failure } from "./internal/Failure.ts"
import * as Shown from "./internal/shown.ts"
import { Json, paint, reporting, warn } from "./output.ts"

/** The last events come at once: after a pause, there are no more of them. Where there is none, what comes is new. */
const PAUSE = Duration.millis(500)
const LONGEST = Duration.seconds(3)

/** How long to wait before an application that has gone is asked again. */
const AGAIN = Duration.seconds(1)

/** From the least serious. */
const severities: ReadonlyArray<Api.Event["severity"]> = ["Debug", "Info", "Warn", "Error"]

/** `events` */
export const events = Command.make(
  "events",
  {
    service: Argument.String("service").pipe(
      Argument.optional,
      Argument.withDescription("The service to hear of; all by default")
    ),
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withDefault(false),
      Flag.withoutNegation,
      Flag.withDescription("Go on with each event as it happens, also when the application comes back after an end")
    ),
    level: Flag.ChoiceWithValue(
      "level",
      severities.map((severity) => [severity.toLowerCase(), severity] as const)
    ).pipe(
      Flag.withDefault<Api.Event["severity"]>("Info"),
      Flag.withDescription("The least serious events to show (default info); debug shows each rejected call, too")
    ),
    replay: Flag.Boolean("replay").pipe(Flag.withDefault(true), Flag.withDescription("Begin with the last events"))
  },
  ({ follow, level, replay, service }) =>
    reporting(
      Effect.gen(function* () {
        const url = yield* address
        const client = yield* connect(url)
        const name = Option.getOrUndefined(service)
        let isHeardOf = name === undefined
        const show = <E, R>(all: Stream.Stream<Api.Event, E, R>) =>
          all.pipe(
            Stream.filter((event) => name === undefined || event.service === name),
            Stream.tap(() => Effect.sync(() => (isHeardOf = true))),
            Stream.filter(({ severity }) => severities.indexOf(severity) >= severities.indexOf(level)),
            print,
            Effect.mapError((error) => (HttpClientError.isHttpClientError(error) ? ended(url) : failureOf(url, error)))
          )
        const isKnown = ask((client) => client.statusOf({ params: { service: name ?? "" } }))
        const open = ask(() => client.events({ query: { replay } }))
        const stream = yield* open
        if (!follow) {
          yield* show(upToNow(stream))
          if (!isHeardOf) yield* isKnown
          return
        }
        // A service that nobody knows may come into use later.
        if (name !== undefined) yield* Effect.catch(isKnown, ({ message }) => warn(message))
        const unseen = Shown.make()
        let next = stream
        for (;;) {
          const { problem } = yield* lossOf(url, show(Stream.filter(next, unseen())))
          yield* warn(`not reachable since ${DateTime.formatIso(yield* DateTime.now)}: ${problem}`)
          yield* Effect.sleep(AGAIN)
          next = yield* Effect.retry(open, Schedule.spaced(AGAIN))
          yield* warn(`${url} answers again`)
        }
      })
    )
).pipe(
  Command.withDescription("Shows the last events; with --follow, also each as it happens"),
  Command.withExamples([
    { command: "effect-resilience events --follow", description: "Everything, until Ctrl-C" },
    { command: "effect-resilience events llm --level debug --json", description: "One JSON object a line" }
  ])
)

const upToNow = <A, E, R>(events: Stream.Stream<A, E, R>) =>
  events.pipe(Stream.timeout(PAUSE), Stream.haltWhen(Effect.sleep(LONGEST)))

/** Whoever follows is not done: the application stops, or the connection breaks. */
const ended = (url: string) => unreachable(`the connection to ${url} has ended: is the application still running?`)

/** Why there are no more events; what makes no sense is no reason to listen again. */
const lossOf = <R>(url: string, showing: Effect.Effect<void, Failure, R>) =>
  showing.pipe(
    Effect.as(ended(url)),
    Effect.catch((failure) => (failure.reason === "unreachable" ? Effect.succeed(failure) : Effect.fail(failure)))
  )

const print = <E, R>(stream: Stream.Stream<Api.Event, E, R>) =>
  Effect.gen(function* () {
    const isJson = yield* Json
    const style = yield* paint
    yield* Stream.runForEach(stream, (event) => Console.log(isJson ? JSON.stringify(event) : eventLine(event, style)))
  })
