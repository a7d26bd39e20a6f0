/**
 * How much memory a pattern of a library takes, in bytes: `memory.ts <library> instance|key <pattern>`, or `memory.ts
 * million-keys`. Run with `--expose-gc`; prints one JSON object.
 */
import { Effect } from "effect"
import { CircuitBreaker } from "effect-resilience"
import type { Pattern } from "../guards.ts"
import { ours } from "../peers/ours.ts"
import { peers } from "../peers/index.ts"
import type { KeyedPattern, Peer } from "../peers/Peer.ts"
import { plenty, settings } from "../peers/settings.ts"

const COUNT = 10_000

/** Rounds of calls, each of them with one failure. */
const ROUNDS = 10
const CALLS_IN_ROUND = 10

const used = (): number => {
  for (let i = 0; i < 4; i++) globalThis.gc?.()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

const patternOf = (peer: Peer, name: string): Pattern | undefined => {
  if (name === "countBreaker") return peer.countBreaker?.(settings.windowSize)
  if (name === "bulkhead" || name === "stack") return peer[name]?.(plenty)
  return peer[name as "consecutiveBreaker" | "timeBreaker" | "retry" | "timeout" | "fallback"]
}

/** Nothing if there are no instances. */
const perInstance = (peer: Peer, name: string): number | undefined => {
  const make = patternOf(peer, name)?.instance
  if (typeof make?.() !== "object") return undefined
  const instances: Array<unknown> = Array.from({ length: COUNT })
  const before = used()
  for (let i = 0; i < COUNT; i++) instances[i] = make()
  const bytes = (used() - before) / COUNT
  return instances.at(-1) === undefined ? undefined : bytes
}

/** After a hundred calls with each key, a tenth of them failures. The keys themselves are not counted. */
const perKey = async (peer: Peer, name: KeyedPattern): Promise<number | undefined> => {
  const make = peer.keyed?.[name]
  if (make === undefined) return undefined
  const keys = Array.from({ length: COUNT }, (_, i) => `tenant-${i}`)
  let position = 0
  const next = () => keys[position++ % COUNT]!
  await make(1).around(next, "immediate").guarded(COUNT)
  const keyed = make(COUNT)
  const before = used()
  const [failing, immediate] = [keyed.around(next, "failing"), keyed.around(next, "immediate")]
  for (let round = 0; round < ROUNDS; round++) {
    await failing.guarded(COUNT)
    await immediate.guarded(COUNT * (CALLS_IN_ROUND - 1))
  }
  const bytes = (used() - before) / COUNT
  await immediate.guarded(1)
  return bytes
}

/** What a million keys leave behind in a breaker that may remember ten thousand. */
const millionKeys = (): number => {
  const breaker = CircuitBreaker.makeUnsafe()
  const call = (key: string) => Effect.ignore(breaker.executeWith({ key })(Effect.fail("down")))
  const before = used()
  for (let from = 0; from < 1_000_000; from += 10_000) {
    const keys = Array.from({ length: 10_000 }, (_, i) => `user-${from + i}`)
    Effect.runSync(Effect.forEach(keys, call, { discard: true }))
  }
  const bytes = used() - before
  return breaker.snapshot(0).failures === 1_000_000 ? bytes : Number.NaN
}

const [what, kind, name = ""] = process.argv.slice(2)
const peer = [ours, ...peers].find((peer) => peer.name === what)
const measured = async (): Promise<number | undefined> => {
  if (peer === undefined) return millionKeys()
  return kind === "key" ? perKey(peer, name as KeyedPattern) : perInstance(peer, name)
}
console.log(JSON.stringify({ bytes: await measured() }))
process.exit()
