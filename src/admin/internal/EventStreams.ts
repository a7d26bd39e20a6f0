/**
 * The open streams of events: how many there may be, and how they end before the server does.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Policy from "../../policy/Policy.ts"
import * as Resilience from "../../resilience/Resilience.ts"
import { type Event, TooManyReaders } from "../Api.ts"
import type { Settings } from "./Settings.ts"

/** The streams of one server. */
export interface EventStreams {
  /** The fibers of the requests that read. */
  readonly readers: Set<Fiber.Fiber<unknown, unknown>>
  readonly closing: Latch.Latch
}

/** The streams of the server around, if it ends them itself. */
export const Current = Context.Reference<EventStreams | undefined>("effect-resilience/admin/EventStreams", {
  defaultValue: () => undefined
})

/** No streams yet. */
export const makeUnsafe = (): EventStreams => ({ readers: new Set(), closing: Latch.makeUnsafe() })

/** How long a reader may take for what is on its way, when the server stops. */
const PATIENCE = Duration.seconds(1)

/** Ends all streams; readers that do not take what they were sent are cut off. */
export const close = ({ closing, readers }: EventStreams): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* closing.open
    yield* Effect.timeoutOption(Fiber.awaitAll(readers), PATIENCE)
    yield* Fiber.interruptAll(readers)
  })

/** The streams of the server around, or some that end with the scope. */
export const current: Effect.Effect<EventStreams, never, Scope.Scope> = Effect.flatMap(Current, (streams) =>
  streams === undefined ? Effect.acquireRelease(Effect.sync(makeUnsafe), close) : Effect.succeed(streams)
)

/** Takes the place of a reader until the request ends. */
export const enter = (
  { readers }: EventStreams,
  { maxEventReaders }: Settings
): Effect.Effect<void, TooManyReaders, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    if (readers.size >= maxEventReaders) {
      const problem = `${maxEventReaders} read events already, which is as many as may (maxEventReaders)`
      return Effect.fail(new TooManyReaders({ problem }))
    }
    return Effect.acquireRelease(
      Effect.sync(() => void readers.add(fiber)),
      () => Effect.sync(() => void readers.delete(fiber))
    )
  })

/** Events as server-sent events, with comments to keep the connection alive; the first comes at once. */
export const stream = (
  { closing }: EventStreams,
  { heartbeat }: Settings,
  options: Resilience.EventsOptions
): Stream.Stream<Uint8Array, never, Policy.ResilienceRegistry> =>
  Resilience.eventsWith(options).pipe(
    Stream.map(bytesOf),
    Stream.merge(Stream.map(Stream.tick(heartbeat), () => COMMENT)),
    Stream.interruptWhen(closing.await)
  )

const encoder = new TextEncoder()

const COMMENT = encoder.encode(":\n\n")

/** An event is written once for all readers: a thousand of them cost little more than one, in time and in memory. */
const written = new WeakMap<Policy.Event, Uint8Array>()

const bytesOf = (event: Policy.Event): Uint8Array => {
  const known = written.get(event)
  if (known !== undefined) return known
  const bytes = encoder.encode(`data: ${JSON.stringify(toEvent(event))}\n\n`)
  written.set(event, bytes)
  return bytes
}

const toEvent = ({ _tag, at, attributes, kind, service, severity }: Policy.Event): Event => ({
  tag: _tag,
  pattern: kind,
  service,
  severity,
  at,
  attributes: Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      typeof value === "number" && !Number.isFinite(value) ? String(value) : value
    ])
  )
})
