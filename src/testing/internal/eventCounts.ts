/**
 * What was told, beside what was counted.
 */
import type * as Policy from "../../policy/Policy.ts"
import type { Experiment } from "./Experiment.ts"
import { isBulkhead, isCircuitBreaker, isDeadline, isFallback, isPipeline, isRetry, isTimeout } from "./Parts.ts"

interface Range {
  readonly least: number
  readonly most: number
}

const exactly = (count: number): Range => ({ least: count, most: count })

/** Whether every event was told as often as it was counted. */
export const problemOfEvents = ({ events, interruptions, now, operations, parts }: Experiment): string | undefined => {
  const unique = [...new Set(parts)]
  const of = <P extends Policy.Instance>(is: (part: Policy.Instance) => part is P, count: (part: P) => number) =>
    unique.filter(is).reduce((total, part) => total + count(part), 0)
  const limits = unique.filter((part) => isTimeout(part) || isDeadline(part))
  const exceeded = limits.reduce((total, part) => total + part.snapshot(now).exceeded, 0)
  const once = limits.filter((part) => parts.indexOf(part) === parts.lastIndexOf(part))
  const ended = interruptions + exceeded
  const gone = ended + operations.filter(({ behaviour }) => behaviour.does === "interrupt itself").length
  const retries = of(isRetry, (part) => part.snapshot(now).retries)
  const answered = of(isFallback, (part) => part.snapshot(now).answered)
  const unanswered = of(isFallback, (part) => part.snapshot(now).failures)
  const expected: Readonly<Record<string, Range>> = {
    CircuitBreakerFailure: exactly(of(isCircuitBreaker, (part) => part.snapshot(now).failures)),
    CircuitBreakerRejection: exactly(
      of(isCircuitBreaker, (part) => part.snapshot(now).rejections + part.snapshot(now).wouldReject)
    ),
    CircuitBreakerTransition: exactly(of(isCircuitBreaker, (part) => part.snapshot(now).transitions)),
    BulkheadRejection: exactly(of(isBulkhead, (part) => part.snapshot(now).rejected)),
    RetryScheduled: { least: retries, most: retries + ended },
    RetryExhausted: exactly(of(isRetry, (part) => part.snapshot(now).exhausted)),
    RetryAbandoned: exactly(of(isRetry, (part) => part.snapshot(now).outOfBudget + part.snapshot(now).outOfTime)),
    FallbackUsed: { least: answered, most: answered + unanswered + gone },
    // One deadline that passes is told once, whatever number of limits inside it counts the call, or how often one does.
    TimeoutExceeded: { least: Math.max(0, ...once.map((part) => part.snapshot(now).exceeded)), most: exceeded },
    CallFailed: exactly(of(isPipeline, (part) => part.snapshot(now).failures))
  }
  for (const [tag, { least, most }] of Object.entries(expected)) {
    const told = events.filter(({ _tag }) => _tag === tag).length
    if (told < least || told > most) {
      return `${tag} was told ${told} times, and counted ${least === most ? most : `${least} to ${most}`} times`
    }
  }
  return undefined
}
