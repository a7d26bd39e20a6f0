/**
 * The parts that Effect itself ships, put together in the way its users do.
 */
import { Effect, Exit, Schedule, Scope, Semaphore } from "effect"
import { CircuitBreaker } from "effect/persistence"

const DAY = "1 day"

const makeBreaker = () =>
  Effect.runSync(
    CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(5), openDuration: DAY }).pipe(
      Effect.provideService(Scope.Scope, Scope.makeUnsafe()),
      Effect.provide(CircuitBreaker.layerStoreMemory())
    )
  )

const schedule = Schedule.exponential("1 second").pipe(Schedule.upTo({ times: 2 }))
const semaphore = Semaphore.makeUnsafe(10)
const key = "llm"

const closed = makeBreaker()
const open = makeBreaker()
for (let failures = 0; failures < 5; failures++) Effect.runSyncExit(open.execute(Effect.fail("down"), { key }))
if (!Exit.isFailure(Effect.runSyncExit(open.execute(Effect.void, { key })))) throw new Error("the circuit is not open")

export const withBreaker = <A, E>(self: Effect.Effect<A, E>) => closed.execute(self, { key })

export const withOpenBreaker = <A, E>(self: Effect.Effect<A, E>) => open.execute(self, { key })

export const withRetry = <A, E>(self: Effect.Effect<A, E>) => Effect.retry(self, schedule)

export const withTimeout = <A, E>(self: Effect.Effect<A, E>) => Effect.timeout(self, "5 seconds")

export const withBulkhead = <A, E>(self: Effect.Effect<A, E>) => semaphore.withPermit(self)

export const withFallback = <A, E>(self: Effect.Effect<A, E>) => Effect.catch(self, () => Effect.succeed(0))

/** All five, in the same order as ours. */
export const withAll = <A, E>(self: Effect.Effect<A, E>) =>
  self.pipe(withTimeout, withBulkhead, withBreaker, withRetry, withFallback)
