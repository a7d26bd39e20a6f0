/**
 * Runs loops side by side: interleaved rounds in one process, so that only figures of the same round are compared.
 *
 * What is reported is the cost that a guard adds: its time minus that of the bare operation in the same kind of loop.
 */
import type { Loop, Loops } from "../loops.ts"
import type { Rounds } from "../statistics.ts"
import { millisOf } from "./clock.ts"

export interface Settings {
  readonly rounds: number
  /** How long one batch of one loop should take. */
  readonly batchMillis: number
  /** How long each loop runs before it is measured, so that it is compiled as well as it will ever be. */
  readonly settleMillis: number
  /** Whether what no target needs is left out. */
  readonly isQuick: boolean
}

/** The rounds of each variant. */
export type Figures = Readonly<Record<string, Rounds>>

interface Batch {
  readonly loop: Loop
  readonly times: number
  readonly open: () => void
  readonly close: () => void
}

const CALIBRATION_MILLIS = 2
const WARM_UP_TIMES = 2_000

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

const nothing = (): void => {}

/** Each round starts at the other end, after a collection and a turn of the event loop. */
export const interleave = async <A>(
  rounds: number,
  entries: ReadonlyArray<A>,
  run: (entry: A, round: number) => Promise<void>
): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    for (const entry of round % 2 === 0 ? entries : entries.toReversed()) {
      globalThis.gc?.({ type: "minor" })
      await turn()
      await run(entry, round)
    }
  }
}

const runBatch = async ({ close, loop, open }: Omit<Batch, "times">, times: number): Promise<number> => {
  open()
  const millis = await millisOf(() => loop(times))
  close()
  return millis
}

const batchesOf = ({ bare, close = nothing, guarded, open = nothing }: Loops) => [
  { loop: bare, open: nothing, close: nothing },
  { loop: guarded, open, close }
]

/** How many times a loop runs in a batch. */
const calibrate = async (batch: Omit<Batch, "times">, { batchMillis, settleMillis }: Settings): Promise<Batch> => {
  let times = 16
  let millis = 0
  for (let settled = 0; settled < settleMillis; settled += millis) {
    if (millis < CALIBRATION_MILLIS) times *= 2
    millis = await runBatch(batch, times)
    await turn()
  }
  return { ...batch, times: Math.max(1, Math.ceil((times * batchMillis) / millis)) }
}

/** Runs the loops often enough for the compiler to see them all, as in a program that has been up for a while. */
export const warm = async (variants: Readonly<Record<string, Loops>>): Promise<void> => {
  for (const loops of Object.values(variants)) {
    for (const batch of batchesOf(loops)) await runBatch(batch, WARM_UP_TIMES)
  }
}

/** The variant whose bare loop everybody's costs can be compared with. */
const FIRST = "ours"

/**
 * The nanoseconds that each variant adds, and those of the `bare` operation by itself. A bare loop that several of them
 * share runs once in a round.
 */
export const time = async (variants: Readonly<Record<string, Loops>>, settings: Settings): Promise<Figures> => {
  const batches = new Map<Loop, Batch>()
  for (const batch of Object.values(variants).flatMap(batchesOf)) {
    if (!batches.has(batch.loop)) batches.set(batch.loop, await calibrate(batch, settings))
  }
  const nanos = new Map<Loop, Array<number>>([...batches.keys()].map((loop) => [loop, []]))
  await interleave(settings.rounds, [...batches.values()], async (batch, round) => {
    nanos.get(batch.loop)![round] = ((await runBatch(batch, batch.times)) * 1e6) / batch.times
  })
  const figures = Object.entries(variants).map(([name, { bare, guarded }]): [string, Rounds] => {
    const bareNanos = nanos.get(bare)!
    return [name, nanos.get(guarded)!.map((nanos, round) => nanos - bareNanos[round]!)]
  })
  const bare = variants[FIRST]?.bare
  return Object.fromEntries(bare === undefined ? figures : [...figures, ["bare", nanos.get(bare)!]])
}
