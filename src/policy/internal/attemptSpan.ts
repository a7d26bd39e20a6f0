/**
 * A span for each attempt of a call.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** What an attempt's span is called, and what it says about the attempt. */
export type Describe = (
  service: string,
  attempt: number
) => { readonly name: string; readonly attributes: Readonly<Record<string, string | number>> }

/** How attempts are traced. By default they are not: a span costs more than all policies together. */
export const AttemptSpans = /* @__PURE__ */ Context.Reference<Describe | undefined>("effect-resilience/AttemptSpans", {
  defaultValue: () => undefined
})

/** Whether somebody follows what the fiber does: it has a span that is kept. */
export const isTraced = ({ cache: { span } }: Fiber.Fiber<unknown, unknown>): boolean =>
  span !== undefined && span.sampled

/** Whether an attempt gets a span of its own. */
export const isAttemptTraced = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  isTraced(fiber) && fiber.getRef(AttemptSpans) !== undefined

/** Opens a span around an attempt, if attempts are traced and the fiber has a span to put it under. */
export const traced = <A, E, R>(
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  service: string,
  attempt: number
): Effect.Effect<A, E, R> => {
  const describe = isTraced(fiber) ? fiber.getRef(AttemptSpans) : undefined
  if (describe === undefined) return self
  const { attributes, name } = describe(service, attempt)
  return Effect.withSpan(name, { attributes }, { captureStackTrace: false })(self) as Effect.Effect<A, E, R>
}
