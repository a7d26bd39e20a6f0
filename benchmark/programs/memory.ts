/**
 * How much memory a pattern of a library takes, in bytes: `memory.ts <library> instance|key <pattern>`, or `memory.ts
 * million-keys`. Run with `--expose-gc`; prints one JSON object.
 */
import { Effect } from "effect"
import { CircuitBreaker } from "effect-resilience"
import type { Keyed, Pattern } from "../guards.ts"
import { ours } from "../peers/ours.ts"
import { peers } from "../peers/index.ts"
import type { KeyedPattern, Peer } from "../peers/Peer.ts"
import { plenty, settings } from "../peers/settings.ts"

const COUNT = 20_000
const FEW = 100

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

/** A hundred calls with each key. */
const callAll = async (keyed: Keyed, keys: ReadonlyArray<string>): Promise<void> => {
  let position = 0
  const next = () => keys[position++ % keys.length]!
  const [failing, immediate] = [keyed.around(next, "failing"), keyed.around(next, "immediate")]
  for (let round = 0; round < ROUNDS; round++) {
    await failing.guarded(keys.length)
    await immediate.guarded(keys.length * (CALLS_IN_ROUND - 1))
  }
}

const keysOf = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => `tenant-${i}`)

/** After a hundred calls with each key, a tenth of them failures. The keys themselves are not counted. */
const perKey = async (peer: Peer, name: KeyedPattern): Promise<number | undefined> => {
  const make = peer.keyed?.[name]
  if (make === undefined) return undefined
  // The code is compiled before anything is measured, with few keys to leave nothing behind.
  const [few, keys] = [keysOf(FEW), keysOf(COUNT)]
  for (let round = 0; round < ROUNDS; round++) await callAll(make(FEW), few)
  const keyed = make(COUNT)
  const before = used()
  await callAll(keyed, keys)
  const bytes = (used() - before) / COUNT
  await callAll(keyed, few)
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
