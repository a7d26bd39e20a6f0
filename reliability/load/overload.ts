/**
 * The second part: ten times as many requests as the upstream can answer, with and without the pipeline.
 *
 * Goodput is what reaches a caller who still waits.
 */
import { describe, merge } from "../support/endings.ts"
import { percentile } from "../support/statistics.ts"
import { atLeast, atMost, type Check, figure } from "../support/verdict.ts"
import * as Accounts from "./accounts.ts"
import { GAVE_UP, press, send, type Tally, type Wait } from "./callers.ts"
import type { Settings } from "./gateway.ts"
import * as Stage from "./stage.ts"

/** How many requests at ten times the capacity, and how long each phase lasts. */
export interface Options {
  readonly rate: number
  readonly seconds: number
}

/** One phase. */
export interface Phase {
  readonly offered: number
  readonly goodput: number
  readonly tally: Tally
}

/** What was measured. */
export interface Result {
  readonly capacity: number
  readonly serviceMillis: number
  readonly protected: { readonly atCapacity: Phase; readonly overload: Phase }
  readonly unprotected: { readonly atCapacity: Phase; readonly overload: Phase }
  readonly checks: ReadonlyArray<Check>
  /** Those about time, which mean nothing where other programs take the processor. */
  readonly timing: ReadonlyArray<Check>
  /** How late requests were sent, at p99, because the callers had to wait for the processor. */
  readonly lateMillis: number
}

/** Whether the processor was busy with something else: then it is the machine that was measured. */
export const isDisturbed = ({ lateMillis }: Result): boolean => lateMillis > MOST_LATE_MILLIS

const FACTOR = 10
const SERVICE_MILLIS = 100
const PATIENCE_MILLIS = 1_000
const LEAST_GOODPUT = 0.9
const MOST_LATE_MILLIS = 25
const MOST_ATTEMPTS = 3
/** If less than half of it is lost without the pipeline, this was no overload, and proves nothing. */
const MOST_UNPROTECTED = 0.5

/** As many calls as there are workers, and a few that keep them busy between two answers. */
const patternsFor = (workers: number): Settings["patterns"] => ({
  deadline: "900 millis",
  retry: { maxAttempts: 3, baseDelay: "50 millis" },
  circuitBreaker: { consecutiveFailures: 10, openDuration: "500 millis" },
  bulkhead: { maxConcurrent: workers + 2, maxQueue: workers, queueTimeout: "400 millis" },
  timeout: "600 millis"
})

/** One gateway: at the capacity, then far beyond it. */
const side = (route: "bare" | "protected", workers: number, capacity: number, seconds: number) =>
  Stage.use({ workers, serviceMillis: SERVICE_MILLIS }, patternsFor(workers), async (stage) => {
    const url = `${stage.url}/${route}`
    const phase = async (ratePerSecond: number): Promise<Phase> => {
      const tally = await send({ url, ratePerSecond, seconds, patienceMillis: PATIENCE_MILLIS })
      return { offered: ratePerSecond, goodput: (tally.endings.get("success") ?? 0) / seconds, tally }
    }
    const warmUp = await press(url, workers, 1, PATIENCE_MILLIS)
    const atCapacity = await phase(capacity)
    const overload = await phase(FACTOR * capacity)
    const endings = merge([warmUp, atCapacity.tally, overload.tally].map((tally) => tally.endings))
    return { atCapacity, overload, books: await Stage.booksOf(stage, route, endings) }
  })

/** Runs it; where other programs took the processor, up to three times. */
export const run = async (options: Options, print: (text: string) => void): Promise<Result> => {
  for (let attempt = 1; ; attempt++) {
    const result = await once(options)
    if (!isDisturbed(result) || attempt === MOST_ATTEMPTS) return result
    print(`  requests were sent ${figure(result.lateMillis)} ms late, the processor was busy: once again`)
  }
}

const once = async ({ rate, seconds }: Options): Promise<Result> => {
  const workers = Math.max(1, Math.round((rate * SERVICE_MILLIS) / 1000 / FACTOR))
  const capacity = (workers * 1000) / SERVICE_MILLIS
  const guarded = await side("protected", workers, capacity, seconds)
  const bare = await side("bare", workers, capacity, seconds)
  const rejections = guarded.overload.tally.waits.filter(({ ending }) => ending !== "success" && ending !== GAVE_UP)
  const kept = ({ atCapacity, overload }: Result["protected"]) => (100 * overload.goodput) / atCapacity.goodput
  const name = `${FACTOR} times the capacity`
  return {
    capacity,
    serviceMillis: SERVICE_MILLIS,
    protected: guarded,
    unprotected: bare,
    checks: [
      ...Accounts.nothingLost(`${name}, protected`, guarded.overload.tally.sent, guarded.overload.tally.endings),
      ...Accounts.nothingLost(`${name}, unprotected`, bare.overload.tally.sent, bare.overload.tally.endings),
      ...Accounts.balance(`${name}, protected`, guarded.books)
    ],
    timing: [
      atLeast(`${name}: goodput that the protected gateway keeps`, kept(guarded), 100 * LEAST_GOODPUT, " %"),
      atMost(
        `${name}: p99 of the rejections, less than one answer takes`,
        percentile(millisOf(rejections), 0.99),
        SERVICE_MILLIS,
        " ms"
      ),
      atMost(`${name}: goodput that the unprotected gateway keeps`, kept(bare), 100 * MOST_UNPROTECTED, " %")
    ],
    lateMillis: Math.max(...[guarded, bare].map(({ overload }) => percentile(overload.tally.lateMillis, 0.99)))
  }
}

const millisOf = (waits: ReadonlyArray<Wait>): ReadonlyArray<number> => waits.map(({ millis }) => millis)

/** The numbers for people. */
export const describeResult = (result: Result): ReadonlyArray<string> => {
  const one = (name: string, { goodput, offered, tally }: Phase) => {
    const answers = percentile(millisOf(tally.waits.filter(({ ending }) => ending === "success")), 0.99)
    return (
      `  ${name.padEnd(11)} ${figure(offered).padStart(6)} per second: goodput ${goodput.toFixed(1).padStart(6)}, ` +
      `p99 of the answers ${figure(answers)} ms; ${describe(tally.endings)}`
    )
  }
  const { protected: guarded, unprotected } = result
  return [
    one("protected", guarded.atCapacity),
    one("protected", guarded.overload),
    one("unprotected", unprotected.atCapacity),
    one("unprotected", unprotected.overload)
  ]
}
