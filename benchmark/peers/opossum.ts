/**
 * opossum: one breaker that does everything but retries, so that no pattern comes without the breaker.
 *
 * A breaker has a timer that sorts the latencies of its window again and again. It lives for one batch, so that this work
 * does not land in the batches of the others. For the same reason there are no keys, and no timeout that is reached: each
 * failure sorts, too.
 */
import CircuitBreaker from "opossum"
import * as Promises from "../promises.ts"
import type { Peer } from "./Peer.ts"
import { settings } from "./settings.ts"

type Call = () => Promise<number>

const make = (options: CircuitBreaker.Options<[Call]>): CircuitBreaker<[Call], number> =>
  new CircuitBreaker<[Call], number>((call) => call(), {
    timeout: false,
    rollingCountTimeout: settings.windowMillis,
    rollingCountBuckets: settings.windowBuckets,
    errorThresholdPercentage: settings.failureRate * 100,
    resetTimeout: settings.openMillis,
    ...options
  })

const of = (instance: () => CircuitBreaker<[Call], number>) =>
  Promises.shortLived(
    instance,
    (breaker) => (call) => breaker.fire(call),
    (breaker) => breaker.shutdown()
  )

export const opossum: Peer = {
  name: "opossum",
  timeBreaker: of(() => make({})),
  patientBreaker: of(() => make({ volumeThreshold: settings.never })),
  openBreaker: of(() => {
    const breaker = make({})
    breaker.open()
    return breaker
  }),
  timeout: of(() => make({ timeout: settings.timeoutMillis })),
  bulkhead: ({ running, waiting }) => of(() => make({ capacity: running + waiting })),
  fullBulkhead: of(() => {
    const breaker = make({ capacity: 1 })
    void breaker.fire(() => new Promise(() => {}))
    return breaker
  }),
  fallback: of(() => make({ volumeThreshold: settings.never }).fallback(() => 0)),
  stack: ({ running }) => of(() => make({ timeout: settings.timeoutMillis, capacity: running }).fallback(() => 0))
}
