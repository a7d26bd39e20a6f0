/**
 * `events`: what has happened, and what happens.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Api } from "../admin/index.ts"
import { address, ask, connect, failureOf, unreachable } from "./application.ts"
import { eventLine } from "./internal/eventLine.ts"
import { Json, paint, reporting } from "./output.ts"

/** The last events come at once: after a pause, there are no more of them. Where there is none, what comes is new. */
const PAUSE = Duration.millis(500)
const LONGEST = Duration.seconds(3)

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
      Flag.withDescription("Go on with each event as it happens")
    ),
    replay: Flag.Boolean("replay").pipe(Flag.withDefault(true), Flag.withDescription("Begin with the last events"))
  },
  ({ follow, replay, service }) =>
    reporting(
      Effect.gen(function* () {
        const url = yield* address
        const client = yield* connect(url)
        const stream = yield* ask(() => client.events({ query: { replay } }))
        const about = Stream.filter(stream, (event) => Option.getOrElse(service, () => event.service) === event.service)
        yield* print(follow ? about : upToNow(about)).pipe(
          Effect.mapError((error) => (HttpClientError.isHttpClientError(error) ? ended(url) : failureOf(url, error)))
        )
        if (follow) return yield* ended(url)
      })
    )
).pipe(
  Command.withDescription("Shows the last events; with --follow, also each as it happens"),
  Command.withExamples([
    { command: "effect-resilience events --follow", description: "Everything, until Ctrl-C" },
    { command: "effect-resilience events llm --json", description: "One JSON object a line" }
  ])
)

const upToNow = <A, E, R>(events: Stream.Stream<A, E, R>) =>
  events.pipe(Stream.timeout(PAUSE), Stream.haltWhen(Effect.sleep(LONGEST)))

/** Whoever follows is not done: the application stops, or the connection breaks. */
const ended = (url: string) => unreachable(`the connection to ${url} has ended: is the application still running?`)

const print = <E, R>(stream: Stream.Stream<Api.Event, E, R>) =>
  Effect.gen(function* () {
    const isJson = yield* Json
    const style = yield* paint
    yield* Stream.runForEach(stream, (event) => Console.log(isJson ? JSON.stringify(event) : eventLine(event, style)))
  })
