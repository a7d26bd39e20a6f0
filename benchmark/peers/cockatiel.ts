/**
 * cockatiel, the most complete of the Promise libraries.
 */
import * as Cockatiel from "cockatiel"
import type { Keyed } from "../guards.ts"
import * as Promises from "../promises.ts"
import type { Peer } from "./Peer.ts"
import { type Limits, settings } from "./settings.ts"

interface Policy {
  readonly execute: <A>(call: () => Promise<A>) => Promise<unknown>
}

const execute =
  (policy: Policy): Promises.Execute =>
  (call) =>
    policy.execute(call)

const of = (instance: () => Policy) => Promises.pattern(instance, execute)

const keyed = (instance: () => Policy) => (): Keyed => Promises.keyed(instance, (policy, call) => policy.execute(call))

const breaker = (breaker: Cockatiel.IBreaker) =>
  Cockatiel.circuitBreaker(Cockatiel.handleAll, { halfOpenAfter: settings.openMillis, breaker })

const consecutive = (failures: number) => () => breaker(new Cockatiel.ConsecutiveBreaker(failures))

const count = (size: number) => () => breaker(new Cockatiel.CountBreaker({ threshold: settings.failureRate, size }))

const time = () =>
  breaker(new Cockatiel.SamplingBreaker({ threshold: settings.failureRate, duration: settings.windowMillis }))

const retry = (policy: Cockatiel.Policy, backoff: Cockatiel.IBackoffFactory<object>) => () =>
  Cockatiel.retry(policy, { maxAttempts: settings.attempts - 1, backoff })

const timeout = (millis: number) => () => Cockatiel.timeout(millis, Cockatiel.TimeoutStrategy.Aggressive)

const exponential = new Cockatiel.ExponentialBackoff()

const bulkhead =
  ({ running, waiting }: Limits) =>
  () =>
    Cockatiel.bulkhead(running, waiting)

const fallback = () => Cockatiel.fallback(Cockatiel.handleAll, 0)

const open = consecutive(1)()
await open.execute(() => Promise.reject(new Error("down"))).catch(() => 0)

const full = bulkhead({ running: 1, waiting: 0 })()
void full.execute(() => new Promise(() => {}))

export const cockatiel: Peer = {
  name: "cockatiel",
  consecutiveBreaker: of(consecutive(settings.consecutiveFailures)),
  countBreaker: (size) => of(count(size)),
  timeBreaker: of(time),
  patientBreaker: of(consecutive(settings.never)),
  openBreaker: of(() => open),
  retry: of(retry(Cockatiel.handleAll, exponential)),
  reluctantRetry: of(
    retry(
      Cockatiel.handleWhen(() => false),
      exponential
    )
  ),
  hastyRetry: of(retry(Cockatiel.handleAll, new Cockatiel.ConstantBackoff(settings.shortMillis))),
  timeout: of(timeout(settings.timeoutMillis)),
  shortTimeout: of(timeout(settings.shortMillis)),
  bulkhead: (limits) => of(bulkhead(limits)),
  fullBulkhead: of(() => full),
  fallback: of(fallback),
  stack: (limits) =>
    of(() =>
      Cockatiel.wrap(
        fallback(),
        retry(Cockatiel.handleAll, exponential)(),
        consecutive(settings.consecutiveFailures)(),
        bulkhead(limits)(),
        timeout(settings.timeoutMillis)()
      )
    ),
  keyed: {
    consecutiveBreaker: keyed(consecutive(settings.consecutiveFailures)),
    countBreaker: keyed(count(settings.windowSize)),
    timeBreaker: keyed(time),
    bulkhead: keyed(bulkhead({ running: 10, waiting: 100 }))
  }
}
