/**
 * Many calls at once: how long all of them take, and how long one has to wait for its result.
 */
import type { Loops } from "../loops.ts"
import { quantile, type Rounds } from "../statistics.ts"
import { type Figures, interleave } from "./rounds.ts"

/** What one burst took. */
export interface Taken {
  /** All calls, divided by their number. */
  readonly nanosPerCall: number
  readonly p50Millis: number
  readonly p99Millis: number
}

/** Starts so many calls at once, guarded and not. */
export interface Burst extends Pick<Loops, "open" | "close"> {
  readonly bare: (size: number) => Promise<Taken>
  readonly guarded: (size: number) => Promise<Taken>
}

/** A burst, and how many calls it has. */
export interface Crowd {
  readonly burst: Burst
  readonly size: number
}

/** What bursts took: `total` of the guarded calls, `added` by the guard. */
export interface Bursts {
  readonly perSecond: Figures
  readonly addedNanos: Figures
  readonly addedP50Millis: Figures
  readonly addedP99Millis: Figures
}

export const summarize = (millis: number, latencies: Float64Array): Taken => {
  const values = Array.from(latencies)
  return {
    nanosPerCall: (millis * 1e6) / latencies.length,
    p50Millis: quantile(values, 0.5),
    p99Millis: quantile(values, 0.99)
  }
}

/** Small bursts are repeated until so many calls are made, or a round would be over too soon to be timed. */
const CALLS = 10_000

/** Enough for most of them to wait, where a bulkhead lets few through. */
const WARM_UP_SIZE = 1_000
const WARM_UP_CALLS = 100_000

const repeated = async (burst: (size: number) => Promise<Taken>, size: number, calls = CALLS): Promise<Taken> => {
  const taken: Array<Taken> = []
  while (taken.length * size < calls) taken.push(await burst(size))
  const mean = (of: (taken: Taken) => number): number => taken.reduce((sum, one) => sum + of(one), 0) / taken.length
  return {
    nanosPerCall: mean(({ nanosPerCall }) => nanosPerCall),
    p50Millis: mean(({ p50Millis }) => p50Millis),
    p99Millis: mean(({ p99Millis }) => p99Millis)
  }
}

/** Small ones, before anything is measured. */
const warmUp = async ({ burst: { bare, close, guarded, open }, size }: Crowd): Promise<void> => {
  open?.()
  for (const burst of [bare, guarded]) await repeated(burst, Math.min(size, WARM_UP_SIZE), WARM_UP_CALLS)
  close?.()
}

/** Runs bursts in interleaved rounds. */
export const bursts = async (crowds: Readonly<Record<string, Crowd>>, rounds: number): Promise<Bursts> => {
  const entries = Object.entries(crowds).map(([name, crowd]) => ({
    name,
    crowd,
    bare: [] as Array<Taken>,
    guarded: [] as Array<Taken>
  }))
  for (const { crowd } of entries) await warmUp(crowd)
  await interleave(rounds, entries, async ({ bare, crowd: { burst, size }, guarded }) => {
    bare.push(await repeated(burst.bare, size))
    burst.open?.()
    guarded.push(await repeated(burst.guarded, size))
    burst.close?.()
  })
  const figures = (of: (guarded: Taken, bare: Taken) => number): Figures =>
    Object.fromEntries(
      entries.map(({ bare, guarded, name }): [string, Rounds] => [
        name,
        guarded.map((taken, round) => of(taken, bare[round]!))
      ])
    )
  return {
    perSecond: figures(({ nanosPerCall }) => 1e9 / nanosPerCall),
    addedNanos: figures((guarded, bare) => guarded.nanosPerCall - bare.nanosPerCall),
    addedP50Millis: figures((guarded, bare) => guarded.p50Millis - bare.p50Millis),
    addedP99Millis: figures((guarded, bare) => guarded.p99Millis - bare.p99Millis)
  }
}
