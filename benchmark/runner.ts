/**
 * Times operations side by side: interleaved rounds in one process, medians over the rounds.
 *
 * A machine is slower one minute and faster the next, so only figures of the same round are compared. What is reported is
 * the cost that a guard adds: its time minus that of the bare operation in the same kind of loop.
 */

/** Runs an operation so many times. */
export type Loop = (times: number) => Promise<void>

/** One way to guard an operation, and the operation alone. */
export interface Variant {
  readonly bare: Loop
  readonly guarded: Loop
}

export interface Settings {
  readonly rounds: number
  /** How long one batch of one loop should take. */
  readonly batchMillis: number
}

/** Added nanoseconds for each variant: the median, and the quartiles to show how much they spread. */
export interface Added {
  readonly median: number
  readonly quartiles: readonly [number, number]
  /** The added nanoseconds of every round, for ratios. */
  readonly rounds: ReadonlyArray<number>
}

const CALIBRATION_MILLIS = 2

const millisOf = async (loop: Loop, times: number): Promise<number> => {
  const began = performance.now()
  await loop(times)
  return performance.now() - began
}

/** How many times a loop runs in a batch. */
const calibrate = async (loop: Loop, batchMillis: number): Promise<number> => {
  let times = 16
  let millis = await millisOf(loop, times)
  while (millis < CALIBRATION_MILLIS) {
    times *= 4
    millis = await millisOf(loop, times)
  }
  return Math.max(1, Math.ceil((times * batchMillis) / millis))
}

const pause = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Times all variants of a case. */
export const time = async <Name extends string>(
  variants: Readonly<Record<Name, Variant>>,
  { batchMillis, rounds }: Settings
): Promise<Readonly<Record<Name, Added>>> => {
  const entries = Object.entries<Variant>(variants)
  const loops = entries.flatMap(([name, { bare, guarded }]) => [
    { name, kind: "bare" as const, loop: bare },
    { name, kind: "guarded" as const, loop: guarded }
  ])
  const batches: Array<(typeof loops)[number] & { readonly times: number }> = []
  for (const entry of loops) {
    await millisOf(entry.loop, 2_000)
    batches.push({ ...entry, times: await calibrate(entry.loop, batchMillis) })
  }
  const added = new Map<string, Array<number>>(entries.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const nanos = new Map<string, number>()
    for (const { kind, loop, name, times } of round % 2 === 0 ? batches : batches.toReversed()) {
      globalThis.gc?.({ type: "minor" })
      await pause()
      nanos.set(`${name} ${kind}`, ((await millisOf(loop, times)) * 1e6) / times)
    }
    for (const [name, rounds] of added) rounds.push(nanos.get(`${name} guarded`)! - nanos.get(`${name} bare`)!)
  }
  const results = [...added].map(([name, rounds]) => [name, summaryOf(rounds)])
  return Object.fromEntries(results) as Record<Name, Added>
}

export const quantile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const [low = 0, high = low] = [sorted[below], sorted[below + 1]]
  return low + (high - low) * (position - below)
}

const summaryOf = (rounds: ReadonlyArray<number>): Added => ({
  median: quantile(rounds, 0.5),
  quartiles: [quantile(rounds, 0.25), quantile(rounds, 0.75)],
  rounds
})

/** The median over the rounds of one cost as a multiple of another. */
export const ratio = (ours: Added, theirs: Added): number =>
  quantile(
    ours.rounds.map((nanos, round) => nanos / theirs.rounds[round]!),
    0.5
  )
