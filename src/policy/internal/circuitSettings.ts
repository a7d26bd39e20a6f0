/**
 * From the options of a breaker, as people write them, to the settings of its machine.
 */
import * as Duration from "effect/Duration"
import * as Machine from "../../core/CircuitBreaker.ts"
import type * as TripPolicy from "../../core/TripPolicy.ts"
import type { Options } from "../CircuitBreaker.ts"
import type * as Policy from "../Policy.ts"

let latest: Machine.Settings | undefined

/** The settings of the machine. Breakers made one after the other with the same options, such as one per host, share them. */
export const settingsOf = (options: Options): Machine.Settings => {
  const settings = makeSettings(options)
  if (latest === undefined || JSON.stringify(latest) !== JSON.stringify(settings)) latest = settings
  return latest
}

const makeSettings = (options: Options): Machine.Settings => {
  const openMillis = finite(options.openDuration)
  return {
    tripPolicy: tripPolicyOf(options),
    openMillis,
    openFactor: options.openDurationFactor,
    openMaxMillis: Math.max(openMillis, finite(options.openDurationMax ?? Duration.minutes(10))),
    openJitter: openMillis === Machine.FOREVER ? 0 : options.openDurationJitter,
    hintMaxMillis: finite(options.retryAfterMax),
    probes: options.probes,
    successesToClose: options.successesToClose,
    probeMillis: finite(options.probeTimeout)
  }
}

/** A call that takes longer is slow; `undefined` when slow calls are not watched. */
export const slowMillisOf = ({ slowCallDuration }: Options): number | undefined =>
  slowCallDuration === undefined ? undefined : Duration.toMillis(slowCallDuration)

const tripPolicyOf = (options: Options): TripPolicy.TripPolicy => {
  if (options.tripPolicy === "consecutive") return { kind: "consecutive", failures: options.consecutiveFailures }
  return {
    kind: "rate",
    window:
      options.tripPolicy === "count-window"
        ? { kind: "count", size: options.windowSize }
        : {
            kind: "time",
            durationMillis: Duration.toMillis(options.windowDuration),
            buckets: options.windowBuckets
          },
    minimumCalls: minimumCallsOf(options),
    failureRate: options.failureRate,
    slowCallRate: options.slowCallDuration === undefined ? Infinity : options.slowCallRate
  }
}

/** In a count window, no default may ask for more calls than the window holds. */
export const minimumCallsOf = (options: Pick<Options, "minimumCalls" | "tripPolicy" | "windowSize">): number =>
  options.minimumCalls ?? (options.tripPolicy === "count-window" ? Math.min(20, options.windowSize) : 20)

const finite = (duration: Duration.Duration): number => Math.min(Duration.toMillis(duration), Machine.FOREVER)

/** What the options of a breaker must be because of each other. */
export const conflicts: ReadonlyArray<Policy.Relation<Options>> = [
  {
    option: "successesToClose",
    others: ["probes"],
    check: ({ probes, successesToClose }) =>
      successesToClose > probes ? `Expected at most probes (${probes})` : undefined
  },
  {
    option: "minimumCalls",
    others: ["windowSize"],
    check: (options) =>
      options.tripPolicy === "count-window" && minimumCallsOf(options) > options.windowSize
        ? `Expected at most windowSize (${options.windowSize})`
        : undefined
  },
  {
    option: "openDurationMax",
    others: ["openDuration"],
    check: ({ openDuration, openDurationMax }) =>
      openDurationMax !== undefined && Duration.isLessThan(openDurationMax, openDuration)
        ? `Expected at least openDuration (${Duration.format(openDuration)})`
        : undefined
  }
]

const readBy = (
  policies: ReadonlyArray<Options["tripPolicy"]>,
  ...options: ReadonlyArray<keyof Options & string>
): ReadonlyArray<Policy.Relation<Options>> => {
  const message = `Expected tripPolicy ${policies.map((policy) => `"${policy}"`).join(" or ")} with it`
  const check = ({ tripPolicy }: Options) => (policies.includes(tripPolicy) ? undefined : message)
  return options.map((option) => ({ option, others: ["tripPolicy"], check }))
}

/** The options that the trip policy does not read, and those that need another one. */
export const ineffective: ReadonlyArray<Policy.Relation<Options>> = [
  ...readBy(["consecutive"], "consecutiveFailures"),
  ...readBy(["count-window"], "windowSize"),
  ...readBy(["time-window"], "windowDuration", "windowBuckets"),
  ...readBy(["count-window", "time-window"], "minimumCalls", "failureRate", "slowCallDuration", "slowCallRate"),
  {
    option: "slowCallRate",
    others: ["slowCallDuration"],
    check: ({ slowCallDuration }) => (slowCallDuration === undefined ? "Expected slowCallDuration with it" : undefined)
  }
]

/** When the circuit opens, and for how long. */
export const describe = (options: Options): string => {
  const { consecutiveFailures, failureRate, openDuration, slowCallDuration, slowCallRate, tripPolicy } = options
  const time = Duration.isFinite(openDuration) ? `for ${Duration.format(openDuration)}` : "until it is reset"
  const open = `${time}${options.mode === "enforce" ? "" : ` (${options.mode})`}`
  if (tripPolicy === "consecutive") return `opens at ${consecutiveFailures} failures in a row, ${open}`
  const window =
    tripPolicy === "count-window" ? `${options.windowSize} calls` : `${Duration.format(options.windowDuration)}`
  const slow =
    slowCallDuration === undefined ? "" : ` or ${percent(slowCallRate)} over ${Duration.format(slowCallDuration)}`
  const least = `at least ${minimumCallsOf(options)} calls`
  return `opens at ${percent(failureRate)} failures${slow} in the last ${window} (${least}), ${open}`
}

/** Without the noise of binary fractions. */
const percent = (share: number): string => `${Number((share * 100).toPrecision(12))} %`
