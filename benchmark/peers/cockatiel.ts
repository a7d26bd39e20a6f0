/**
 * cockatiel, the most complete of the Promise libraries.
 */
import {
  bulkhead,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  fallback,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap
} from "cockatiel"

const makeBreaker = () => circuitBreaker(handleAll, { halfOpenAfter: 86_400_000, breaker: new ConsecutiveBreaker(5) })

const fail = async (): Promise<number> => {
  throw new Error("down")
}

export const breaker = makeBreaker()
export const failingBreaker = circuitBreaker(handleAll, {
  halfOpenAfter: 86_400_000,
  breaker: new ConsecutiveBreaker(1_000_000_000)
})
export const openBreaker = makeBreaker()
for (let failures = 0; failures < 5; failures++) await openBreaker.execute(fail).catch(() => 0)

export const retrying = retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff() })
export const limited = timeout(5_000, TimeoutStrategy.Aggressive)
export const guarded = bulkhead(10)
export const answering = fallback(handleAll, 0)

/** All five, in the same order as ours. */
export const all = wrap(answering, retrying, makeBreaker(), guarded, limited)
