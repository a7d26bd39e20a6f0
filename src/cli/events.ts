/**
 * `events`: what has happened, and what happens.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
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
      Flag.withDescription(
        "Go on with each event as it happens, also when the application comes back after an end; not if it refuses"
      )
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
        let isHeardOf = false
        const show = <E, R>(all: Stream.Stream<Api.Event, E, R>) =>
          all.pipe(
            Stream.filter((event) => name === undefined || event.service === name),
            Stream.tap(() => Effect.sync(() => (isHeardOf = true))),
            Stream.filter(({ severity }) => severities.indexOf(severity) >= severities.indexOf(level)),
            print,
            Effect.mapError((error) => (HttpClientError.isHttpClientError(error) ? ended(url) : failureOf(url, error)))
          )
        const checkKnown = (service: string) => ask((client) => client.statusOf({ params: { service } }))
        const open = (replay: boolean) => ask(() => client.events({ query: { replay } }))
        const began = yield* Clock.currentTimeMillis
        const stream = yield* open(replay)
        if (!follow) {
          yield* show(upToNow(stream))
          if (name !== undefined && !isHeardOf) yield* checkKnown(name)
          return
        }
        // A service that nobody knows may come into use later.
        if (name !== undefined) yield* Effect.catch(checkKnown(name), ({ message }) => warn(message))
        const unseen = Shown.make()
        // What is from before is so by the clock of this machine, for the application does not tell the time.
        const isWanted = ({ at }: Api.Event): boolean => replay || at >= began
        let next = stream
        for (;;) {
          const loss = yield* lossOf(url, show(Stream.filter(next, unseen())))
          // What has happened in between is among the last events.
          next = Stream.filter(yield* again(loss, open(true)), isWanted)
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

/** Asks until there is an answer, and says why there is none yet. What is a refusal, or makes no sense, stays so. */
const again = <A, R>(loss: Failure, question: Effect.Effect<A, Failure, R>) =>
  Effect.gen(function* () {
    const since = DateTime.formatIso(yield* DateTime.now)
    let failure = loss
    let told = ""
    while (failure.mayPass) {
      if (failure.message !== told) yield* warn(`not reachable since ${since}: ${failure.message}`)
      told = failure.message
      yield* Effect.sleep(AGAIN)
      const answer = yield* Effect.result(question)
      if (Result.isSuccess(answer)) return answer.success
      failure = answer.failure
    }
    return yield* failure
  })

/** Why there are no more events. */
const lossOf = <R>(url: string, showing: Effect.Effect<void, Failure, R>) =>
  Effect.match(showing, { onSuccess: () => ended(url), onFailure: (failure) => failure })

const print = <E, R>(stream: Stream.Stream<Api.Event, E, R>) =>
  Effect.gen(function* () {
    const isJson = yield* Json
    const style = yield* paint
    yield* Stream.runForEach(stream, (event) => Console.log(isJson ? JSON.stringify(event) : eventLine(event, style)))
  })
