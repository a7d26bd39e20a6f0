/**
 * From the options of a breaker, as people write them, to the settings of its machine.
 */
import * as Duration from "effect/Duration"
import type * as Machine from "../../core/CircuitBreaker.ts"
import type * as TripPolicy from "../../core/TripPolicy.ts"
import type { Options } from "../CircuitBreaker.ts"
import { FOREVER } from "./circuitEvents.ts"

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
    openJitter: openMillis === FOREVER ? 0 : options.openDurationJitter,
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

const finite = (duration: Duration.Duration): number => Math.min(Duration.toMillis(duration), FOREVER)

/** The options that the trip policy does not read, each with what it needs. */
export const ineffective = ({ slowCallDuration, tripPolicy }: Options): Readonly<Record<string, string>> => {
  const needs = (policies: string, ...names: ReadonlyArray<keyof Options>) =>
    Object.fromEntries(names.map((name) => [name, `Expected tripPolicy ${policies} with it`]))
  const rates = ["minimumCalls", "failureRate", "slowCallDuration", "slowCallRate"] as const
  return {
    ...(slowCallDuration === undefined ? { slowCallRate: "Expected slowCallDuration with it" } : {}),
    ...(tripPolicy === "consecutive" ? needs('"count-window" or "time-window"', ...rates) : {}),
    ...(tripPolicy === "consecutive" ? {} : needs('"consecutive"', "consecutiveFailures")),
    ...(tripPolicy === "count-window" ? {} : needs('"count-window"', "windowSize")),
    ...(tripPolicy === "time-window" ? {} : needs('"time-window"', "windowDuration", "windowBuckets"))
  }
}

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
