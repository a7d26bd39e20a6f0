/**
 * The protection: all that one side of the gateway has and the other has not.
 *
 * A day of the demo lasts seconds, so the times are short. For a real provider they would be 10 to 100 times longer.
 */
import { Effect } from "effect"
import { CircuitBreaker, Resilience } from "effect-resilience"

/** The name under which the provider is known to configuration, metrics and events. */
export const service = "llm"

/** The numbers of all patterns, from the outermost to the innermost. */
export const layer = Resilience.layer({
  services: {
    [service]: {
      // whatever happens, a caller is answered within this time
      deadline: "700 millis",
      // rides out a short burst of 503s, without becoming a burst itself
      retry: {
        maxAttempts: 3,
        baseDelay: "50 millis",
        maxDelay: "200 millis",
        budget: { ratio: 0.2, minimumPerSecond: 1 }
      },
      // leaves a provider alone that fails half of its calls: longer each time, and as long as its Retry-After says
      circuitBreaker: {
        tripPolicy: "time-window",
        windowDuration: "1 second",
        minimumCalls: 5,
        failureRate: 0.5,
        openDuration: "200 millis",
        openDurationFactor: 2,
        openDurationMax: "500 millis",
        probes: 2,
        successesToClose: 2
      },
      // bounds what hangs, and what a slow provider is asked at once
      bulkhead: { maxConcurrent: 32, maxQueue: 32 },
      // for each attempt; well above the slowest good answer
      timeout: "300 millis"
    }
  }
})

export interface Given {
  readonly text: string
  readonly answeredBy: "provider" | "fallback"
}

/** The patterns around one call. It cannot fail any more. */
export const protect = <E, R>(question: string, ask: Effect.Effect<string, E, R>) =>
  ask.pipe(
    Effect.map((text): Given => ({ text, answeredBy: "provider" })),
    Resilience.protect(service, {
      // there is a fallback, so nobody waits for an open circuit
      retry: { while: (error) => !(error instanceof CircuitBreaker.CircuitBreakerOpenError) },
      fallback: () => Effect.succeed(apology(question))
    })
  )

const apology = (question: string): Given => {
  return { text: `I cannot answer "${question}" right now. Please ask again in a minute.`, answeredBy: "fallback" }
}
