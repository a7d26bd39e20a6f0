import { Effect, Tracer } from "effect"

/** A tracer that keeps its spans. */
export const recordSpans = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return {
    spans,
    /** The events of all spans with a name: name and attributes, and the time in milliseconds. */
    eventsOf: (name: string) =>
      spans
        .filter((span) => span.name === name)
        .flatMap(({ events }) =>
          events.map(([name, at, attributes]) => ({ name, at: Number(at) / 1e6, attributes: { ...attributes } }))
        ),
    trace: <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => Effect.withTracer(self, tracer)
  }
}
