/**
 * The first part: the same load with and without the pipeline, in turns, in one run of one gateway.
 */
import { describe, type Endings, merge } from "../support/endings.ts"
import { megabytes } from "../support/heap.ts"
import { median, percentile, rise, slope } from "../support/statistics.ts"
import { atMost, type Check, figure } from "../support/verdict.ts"
import * as Accounts from "./accounts.ts"
import { press, send, type Tally } from "./callers.ts"
import type { Settings } from "./gateway.ts"
import * as Stage from "./stage.ts"

/** How much load, and for how long. */
export interface Options {
  /** Requests per second; `undefined`: as many as the machine gives. */
  readonly rate: number | undefined
  readonly seconds: number
}

/** What one route cost. */
export interface Route {
  readonly sent: number
  readonly endings: Endings
  readonly perSecond: number
  /** Of each phase. */
  readonly p50Millis: ReadonlyArray<number>
  readonly p99Millis: ReadonlyArray<number>
}

/** What was measured. */
export interface Result {
  /** What the machine gives when every caller asks again at once. */
  readonly mostPerSecond: number
  readonly rate: number | undefined
  readonly bare: Route
  readonly protected: Route
  readonly heapBytes: ReadonlyArray<number>
  readonly checks: ReadonlyArray<Check>
}

/** Generous: what is measured here is what the patterns cost, not what they prevent. */
const patterns: Settings["patterns"] = {
  deadline: "5 seconds",
  retry: { maxAttempts: 3, baseDelay: "50 millis" },
  circuitBreaker: { consecutiveFailures: 5, openDuration: "1 second" },
  bulkhead: { maxConcurrent: 256, maxQueue: 1_000 },
  timeout: "2 seconds"
}

const PATIENCE_MILLIS = 8_000
const CALLERS = 32
/** Beyond this share of what the machine gives, waiting times are about the machine. */
const MOST_SHARE = 0.6
const MOST_DRIFT = 2
const WARM_UP_SECONDS = 2

/** The rate that this machine can keep up. */
const sustainable = (rate: number | undefined, mostPerSecond: number): number | undefined =>
  rate === undefined ? undefined : Math.min(rate, Math.max(10, Math.floor((MOST_SHARE * mostPerSecond) / 10) * 10))

const routeOf = (tallies: ReadonlyArray<Tally>): Route => {
  const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0)
  const waits = (share: number) =>
    tallies.map(({ waits }) =>
      percentile(
        waits.map(({ millis }) => millis),
        share
      )
    )
  const sent = sum((tally) => tally.sent)
  return {
    sent,
    endings: merge(tallies.map(({ endings }) => endings)),
    perSecond: sent / sum((tally) => tally.sendingSeconds),
    p50Millis: waits(0.5),
    p99Millis: waits(0.99)
  }
}

/** Runs it; `print` hears how far it is. */
export const run = ({ rate: wanted, seconds }: Options, print: (text: string) => void): Promise<Result> =>
  Stage.use({}, patterns, async (stage) => {
    const { gateway, url } = stage
    const warmUp = async (route: "bare" | "protected") =>
      routeOf([await press(`${url}/${route}`, CALLERS, WARM_UP_SECONDS, PATIENCE_MILLIS)])
    const warm = [await warmUp("protected"), await warmUp("bare"), await warmUp("protected")] as const
    const mostPerSecond = warm[2].perSecond
    const rate = sustainable(wanted, mostPerSecond)
    print(`  after the warm-up, this machine gives ${figure(mostPerSecond)} requests per second`)
    if (rate !== wanted) print(`  too few for ${figure(wanted ?? 0)}: the rate is lowered to ${figure(rate ?? 0)}`)

    const tallies = { bare: new Array<Tally>(), protected: new Array<Tally>() }
    const heapBytes = [await gateway.ask("heapBytes")]
    const pairs = Math.max(3, Math.round(seconds / 10))
    const phase = async (route: "bare" | "protected") => {
      const phaseSeconds = seconds / pairs / 2
      const tally =
        rate === undefined
          ? await press(`${url}/${route}`, CALLERS, phaseSeconds, PATIENCE_MILLIS)
          : await send({
              url: `${url}/${route}`,
              ratePerSecond: rate,
              seconds: phaseSeconds,
              patienceMillis: PATIENCE_MILLIS
            })
      tallies[route].push(tally)
    }
    for (let pair = 0; pair < pairs; pair++) {
      for (const route of pair % 2 === 0 ? (["bare", "protected"] as const) : (["protected", "bare"] as const)) {
        await phase(route)
      }
      heapBytes.push(await gateway.ask("heapBytes"))
    }

    const bare = routeOf(tallies.bare)
    const guarded = routeOf(tallies.protected)
    const all = merge([guarded, warm[0], warm[2]].map(({ endings }) => endings))
    const heap = heapBytes.slice(1).map(megabytes)
    return {
      mostPerSecond,
      rate,
      bare,
      protected: guarded,
      heapBytes,
      checks: [
        ...Accounts.nothingLost("without", bare.sent, bare.endings),
        ...Accounts.nothingLost("with", guarded.sent, guarded.endings),
        ...Accounts.balance("with", await Stage.booksOf(stage, "protected", all)),
        atMost("drift of the gateway's heap", rise(heap), MOST_DRIFT, " MB")
      ]
    }
  })

/** The numbers for people. */
export const describeResult = ({ bare, heapBytes, protected: guarded }: Result): ReadonlyArray<string> => {
  const one = (name: string, { endings, p50Millis, p99Millis, perSecond }: Route) =>
    `  ${name}  ${figure(perSecond)} per second, p50 ${figure(median(p50Millis))} ms, p99 ${figure(median(p99Millis))} ms: ${describe(endings)}`
  const added = (of: (route: Route) => ReadonlyArray<number>) =>
    figure(median(of(guarded).map((millis, phase) => millis - of(bare)[phase]!)))
  const heap = heapBytes.map(megabytes)
  const perRequest = slope(heapBytes.map((y, x) => ({ x, y }))) / ((bare.sent + guarded.sent) / (heap.length - 1))
  return [
    one("without", bare),
    one("with   ", guarded),
    `  added: ${added(({ p50Millis }) => p50Millis)} ms at p50, ${added(({ p99Millis }) => p99Millis)} ms at p99 (medians over ${bare.p50Millis.length} pairs of phases)`,
    `  heap of the gateway: ${heap.map((value) => value.toFixed(2)).join(", ")} MB; a slope of ${perRequest.toFixed(2)} bytes per request`
  ]
}
