/**
 * The parts that Effect itself ships, put together in the way its users do.
 */
import { Effect, Exit, Schedule, Scope, Semaphore } from "effect"
import { CircuitBreaker } from "effect/persistence"
import * as Effects from "../effects.ts"
import type { Keyed } from "../guards.ts"
import type { Peer } from "./Peer.ts"
import { type Limits, settings } from "./settings.ts"

type Breaker = CircuitBreaker.CircuitBreaker

const KEY = "llm"

const breaker = (tripPolicy: CircuitBreaker.TripPolicy) => (): Breaker =>
  Effect.runSync(
    CircuitBreaker.make({ tripPolicy, openDuration: settings.openMillis }).pipe(
      Effect.provideService(Scope.Scope, Scope.makeUnsafe()),
      Effect.provide(CircuitBreaker.layerStoreMemory())
    )
  )

const consecutive = (failures: number) => breaker(CircuitBreaker.consecutive(failures))

const count = (size: number) => breaker(CircuitBreaker.rate({ threshold: settings.failureRate, size }))

const ofBreaker = (instance: () => Breaker) =>
  Effects.pattern(instance, (breaker) => (self) => breaker.execute(self, { key: KEY }))

const keyedBreaker = (instance: () => Breaker) => (): Keyed => {
  const breaker = instance()
  return Effects.keyed((key) => (self) => breaker.execute(self, { key }))
}

const again = { times: settings.attempts - 1 }

const exponential = () => Schedule.exponential("1 second").pipe(Schedule.upTo(again))

const constant = () => Schedule.spaced(settings.shortMillis).pipe(Schedule.upTo(again))

const retry = (schedule: () => Schedule.Schedule<unknown>) =>
  Effects.pattern(schedule, (schedule) => (self) => Effect.retry(self, schedule))

const timeout = (millis: number) =>
  Effects.pattern(
    () => millis,
    (millis) => (self) => Effect.timeout(self, millis)
  )

const semaphore =
  ({ running }: Limits) =>
  () =>
    Semaphore.makeUnsafe(running)

const withFallback: Effects.Execute = (self) => Effect.catch(self, () => Effect.succeed(0))

const open = consecutive(1)()
Effect.runSyncExit(open.execute(Effect.fail("down"), { key: KEY }))
if (!Exit.isFailure(Effect.runSyncExit(open.execute(Effect.void, { key: KEY })))) throw new Error("it is not open")

export const effect: Peer = {
  name: "effect",
  consecutiveBreaker: ofBreaker(consecutive(settings.consecutiveFailures)),
  countBreaker: (size) => ofBreaker(count(size)),
  patientBreaker: ofBreaker(consecutive(settings.never)),
  openBreaker: ofBreaker(() => open),
  retry: retry(exponential),
  reluctantRetry: Effects.pattern(
    exponential,
    (schedule) => (self) => Effect.retry(self, { schedule, while: () => false })
  ),
  hastyRetry: retry(constant),
  timeout: timeout(settings.timeoutMillis),
  shortTimeout: timeout(settings.shortMillis),
  bulkhead: (limits) => Effects.pattern(semaphore(limits), (semaphore) => (self) => semaphore.withPermit(self)),
  fullBulkhead: Effects.pattern(
    semaphore({ running: 0, waiting: 0 }),
    (semaphore) => (self) => semaphore.withPermitsIfAvailable(1)(self)
  ),
  fallback: Effects.pattern(
    () => 0,
    () => withFallback
  ),
  stack: (limits) =>
    Effects.pattern(
      () => ({
        schedule: exponential(),
        breaker: consecutive(settings.consecutiveFailures)(),
        semaphore: semaphore(limits)()
      }),
      ({ breaker, schedule, semaphore }) =>
        (self) =>
          self.pipe(
            Effect.timeout(settings.timeoutMillis),
            semaphore.withPermit,
            (self) => breaker.execute(self, { key: KEY }),
            Effect.retry(schedule),
            Effect.catch(() => Effect.succeed(0))
          )
    ),
  keyed: {
    consecutiveBreaker: keyedBreaker(consecutive(settings.consecutiveFailures)),
    countBreaker: keyedBreaker(count(settings.windowSize)),
    bulkhead: () => {
      const semaphores = new Map<string, Semaphore.Semaphore>()
      return Effects.keyed((key) => (self) => {
        const known = semaphores.get(key)
        if (known !== undefined) return known.withPermit(self)
        const made = Semaphore.makeUnsafe(10)
        semaphores.set(key, made)
        return made.withPermit(self)
      })
    }
  }
}
