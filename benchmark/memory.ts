/**
 * How much memory breakers take: measured in a process of its own, so that nothing else moves the heap.
 *
 * Run with `node --expose-gc memory.ts`; prints one JSON object.
 */
import { Effect } from "effect"
import { CircuitBreaker } from "effect-resilience"

export interface Memory {
  readonly bytesPerBreaker: number
  readonly bytesPerKey: number
  readonly bytesPerKeyWithWindow: number
  /** What the heap has grown by after a million keys, in bytes. */
  readonly millionKeysBytes: number
}

const used = (): number => {
  for (let i = 0; i < 4; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const COUNT = 20_000

const perBreaker = (): number => {
  const breakers: Array<CircuitBreaker.CircuitBreaker> = Array.from({ length: COUNT })
  const before = used()
  for (let i = 0; i < COUNT; i++) breakers[i] = CircuitBreaker.makeUnsafe({ service: "llm" })
  const bytes = (used() - before) / COUNT
  return breakers.length === COUNT ? bytes : Number.NaN
}

const callKeys = (breaker: CircuitBreaker.CircuitBreaker, keys: ReadonlyArray<string>): void =>
  Effect.runSync(
    Effect.forEach(keys, (key) => Effect.ignore(breaker.executeWith({ key })(Effect.fail("down"))), { discard: true })
  )

const perKey = (options: CircuitBreaker.MakeOptions): number => {
  const keys = Array.from({ length: COUNT }, (_, i) => `tenant-${i}`)
  const breaker = CircuitBreaker.makeUnsafe({ maxKeys: COUNT, ...options })
  const before = used()
  callKeys(breaker, keys)
  const bytes = (used() - before) / COUNT
  return breaker.snapshot(0, keys[0]).failures === COUNT ? bytes : Number.NaN
}

const millionKeys = (): number => {
  const breaker = CircuitBreaker.makeUnsafe()
  const before = used()
  for (let from = 0; from < 1_000_000; from += 10_000) {
    callKeys(
      breaker,
      Array.from({ length: 10_000 }, (_, i) => `user-${from + i}`)
    )
  }
  const bytes = used() - before
  return breaker.snapshot(0).failures === 1_000_000 ? bytes : Number.NaN
}

if (import.meta.main) {
  const memory: Memory = {
    bytesPerBreaker: Math.round(perBreaker()),
    bytesPerKey: Math.round(perKey({})),
    bytesPerKeyWithWindow: Math.round(
      perKey({ tripPolicy: "count-window", windowSize: 100, minimumCalls: 100, failureRate: 1 })
    ),
    millionKeysBytes: millionKeys()
  }
  console.log(JSON.stringify(memory))
}
