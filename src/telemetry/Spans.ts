/**
 * What the policies did, in the traces of the calls that they did it to.
 *
 * **Details**
 *
 * With {@link layer}, every event becomes an event of the span in which it happened: a rejection, a retry with its delay and
 * its reason, a timeout, a fallback, a transition of the circuit, and an admission that took something: a wait in the queue,
 * or the role of a probe. Each attempt of a retry has a span of its own under that of the caller, whose status tells how the
 * attempt ended. Where there is no span, or one that is not sampled, nothing of this happens and nothing is paid for it.
 *
 * Events are called `resilience.retry_scheduled` and so on, attempts `attempt llm`. Attributes follow OpenTelemetry where it
 * has a name for them (`error.type`); the others start with `resilience.`.
 *
 * **Example** (The attempts of a call)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Tracer } from "effect"
 * import { Resilience } from "effect-resilience"
 * import { Spans } from "effect-resilience/telemetry"
 *
 * const names: Array<string> = []
 * const tracer = Tracer.make({
 *   span: (options) => {
 *     names.push(options.name)
 *     return new Tracer.NativeSpan(options)
 *   }
 * })
 *
 * const answer = Effect.succeed("because").pipe(Resilience.protect("llm"), Effect.withSpan("answer"))
 *
 * const program = answer.pipe(
 *   Effect.provide(Spans.layer.pipe(Layer.provideMerge(Resilience.layer()))),
 *   Effect.withTracer(tracer)
 * )
 *
 * Effect.runSync(program)
 * names // => ["answer", "attempt llm"]
 * ```
 */
import * as Clock from "effect/Clock"
import * as Layer from "effect/Layer"
import { AttemptSpans, isTraced } from "../policy/internal/attemptSpan.ts"
import * as Policy from "../policy/Policy.ts"
import * as Attributes from "./internal/attributes.ts"

/** Writes events into the span in which they happen, for fibers without a registry: see `Policy.layerObservers`. */
export const observer: Policy.Observer = (event, fiber) => {
  const { span } = fiber.cache
  if (span?._tag !== "Span" || !isTraced(fiber)) return
  const now = fiber.getRef(Clock.Clock).currentTimeNanosUnsafe()
  span.event(`resilience.${snakeCase(event._tag)}`, now, Attributes.ofEvent(event))
}

/** Gives each attempt of a retry a span of its own. */
export const layerAttempts: Layer.Layer<never> = Layer.succeed(AttemptSpans, (service, attempt) => ({
  name: `attempt ${service}`,
  attributes: Attributes.ofAttempt(service, attempt)
}))

/** Traces everything under a registry: the events of all policies, and the attempts of all retries. */
export const layer: Layer.Layer<never, never, Policy.ResilienceRegistry> = Layer.merge(
  Layer.effectDiscard(Policy.subscribe(observer)),
  layerAttempts
)

const snakeCase = (tag: string): string => tag.replaceAll(/(?<!^)[A-Z]/g, "_$&").toLowerCase()
