/**
 * A circuit breaker as the specification tells it: it keeps lists of everything that happened and recomputes from them.
 * Slow, and written without a look at the real machine, so that the two can be compared.
 */

/** What it needs to know; durations in milliseconds. */
export interface Settings {
  readonly tripPolicy:
    | { readonly kind: "consecutive"; readonly failures: number }
    | {
        readonly kind: "rate"
        readonly window:
          | { readonly kind: "count"; readonly size: number }
          | { readonly kind: "time"; readonly durationMillis: number; readonly buckets: number }
        readonly minimumCalls: number
        readonly failureRate: number
        readonly slowCallRate: number
      }
  readonly openMillis: number
  readonly openFactor: number
  readonly openMaxMillis: number
  /** Share by which the open time is spread. */
  readonly openJitter: number
  readonly hintMaxMillis: number
  readonly probes: number
  readonly successesToClose: number
  readonly probeMillis: number
}

export type Outcome = "Success" | "Failure" | "Ignored"

export interface Call {
  readonly at: number
  readonly failed: boolean
  readonly slow: boolean
}

/** A running call: `era` counts the transitions before it, `until` is when it lapses if it is a probe. */
export interface Running {
  readonly era: number
  readonly name: number
  readonly until: number
}

export interface NaiveBreaker {
  readonly phase: "Closed" | "Open" | "HalfOpen" | "Isolated"
  readonly era: number
  /** When the present phase began. */
  readonly since: number
  /** All calls that finished while the circuit was closed this time. */
  readonly calls: ReadonlyArray<Call>
  /** The open times since the last quiet spell. */
  readonly openTimes: ReadonlyArray<number>
  /** All results of the present round of probes. */
  readonly results: ReadonlyArray<Outcome>
  readonly probes: ReadonlyArray<Running>
  /** When an isolation ends. */
  readonly isolatedUntil: number
}

export const start = (now: number): NaiveBreaker => ({
  phase: "Closed",
  era: 0,
  since: now,
  calls: [],
  openTimes: [],
  results: [],
  probes: [],
  isolatedUntil: Infinity
})

const enter = (
  self: NaiveBreaker,
  phase: NaiveBreaker["phase"],
  at: number,
  openTimes: ReadonlyArray<number>
): NaiveBreaker => ({
  phase,
  era: self.era + 1,
  since: at,
  calls: [],
  openTimes,
  results: [],
  probes: [],
  isolatedUntil: Infinity
})

export const lastOpenTime = (self: NaiveBreaker): number => self.openTimes.at(-1) ?? 0

const openFrom = (self: NaiveBreaker, settings: Settings, at: number, hint: number, random: number): NaiveBreaker => {
  const wasQuiet = self.phase === "Closed" && at - self.since >= lastOpenTime(self)
  const earlier = wasQuiet ? [] : self.openTimes
  let time = Math.min(settings.openMillis, settings.openMaxMillis)
  for (const _ of earlier) time = Math.min(time * settings.openFactor, settings.openMaxMillis)
  const spread = time * settings.openJitter
  const shortest = time - spread
  const longest = Math.min(time + spread, settings.openMaxMillis)
  time = shortest + (longest - shortest) * random
  const asked = Math.min(hint, settings.hintMaxMillis)
  return enter(self, "Open", at, [...earlier, asked > time ? asked : time])
}

/** The calls that the trip policy looks at. */
export const measured = (self: NaiveBreaker, settings: Settings, now: number): ReadonlyArray<Call> => {
  const policy = settings.tripPolicy
  if (policy.kind === "consecutive") return self.calls.slice(self.calls.findLastIndex((call) => !call.failed) + 1)
  const window = policy.window
  if (window.kind === "count") return self.calls.slice(-window.size)
  const length = window.durationMillis / window.buckets
  const oldest = Math.floor(now / length) - window.buckets + 1
  return self.calls.filter((call) => Math.floor(call.at / length) >= oldest)
}

const isTooMuch = (self: NaiveBreaker, settings: Settings, now: number): boolean => {
  const policy = settings.tripPolicy
  const calls = measured(self, settings, now)
  if (policy.kind === "consecutive") return calls.length >= policy.failures
  if (calls.length < policy.minimumCalls) return false
  const failed = calls.filter((call) => call.failed).length
  const slow = calls.filter((call) => call.slow).length
  return failed / calls.length >= policy.failureRate || slow / calls.length >= policy.slowCallRate
}

const count = (self: NaiveBreaker, outcome: Outcome): number => self.results.filter((one) => one === outcome).length

/** Closes or reopens if the results of the round say so. */
const judge = (self: NaiveBreaker, settings: Settings, at: number, hint: number, random: number): NaiveBreaker => {
  if (count(self, "Success") >= settings.successesToClose) return enter(self, "Closed", at, self.openTimes)
  const stillPossible = count(self, "Success") + (settings.probes - count(self, "Success") - count(self, "Failure"))
  const lastTen = self.results.slice(-10)
  const onlyIgnored = lastTen.length === 10 && lastTen.every((one) => one === "Ignored")
  return stillPossible < settings.successesToClose || onlyIgnored ? openFrom(self, settings, at, hint, random) : self
}

const finishProbe = (
  self: NaiveBreaker,
  settings: Settings,
  at: number,
  name: number,
  outcome: Outcome,
  hint: number,
  random: number
): NaiveBreaker => {
  const probes = self.probes.filter((probe) => probe.name !== name)
  return judge({ ...self, probes, results: [...self.results, outcome] }, settings, at, hint, random)
}

export const passTime = (self: NaiveBreaker, settings: Settings, now: number, random: number): NaiveBreaker => {
  if (self.phase === "Isolated") return now < self.isolatedUntil ? self : reset(self, self.isolatedUntil)
  let current = self
  for (;;) {
    const at = Math.min(...current.probes.map(({ until }) => until))
    const lapsed = current.probes.find(({ until }) => until === at)
    if (lapsed === undefined || now < at) {
      return current.phase === "HalfOpen" ? judge(current, settings, now, 0, random) : current
    }
    current = finishProbe(current, settings, at, lapsed.name, "Failure", 0, random)
  }
}

/** The running call, or how long the caller has to wait. */
export const begin = (
  self: NaiveBreaker,
  settings: Settings,
  now: number,
  name: number
): readonly [NaiveBreaker, Running | number] => {
  if (self.phase === "Closed") return [self, { era: self.era, name, until: Infinity }]
  if (self.phase === "Isolated") return [self, self.isolatedUntil - now]
  const opensAt = self.since + lastOpenTime(self)
  if (self.phase === "Open" && now < opensAt) return [self, opensAt - now]
  const round = self.phase === "Open" ? enter(self, "HalfOpen", now, self.openTimes) : self
  const taken = count(round, "Success") + count(round, "Failure") + round.probes.length
  if (taken >= settings.probes) {
    return [round, Math.min(...round.probes.map(({ until }) => until)) - now]
  }
  const probe: Running = { era: round.era, name, until: now + settings.probeMillis }
  return [{ ...round, probes: [...round.probes, probe] }, probe]
}

/** A probe that shows that it is alive may take as long again. */
export const renew = (self: NaiveBreaker, settings: Settings, now: number, call: Running): NaiveBreaker => ({
  ...self,
  probes: self.probes.map((probe) =>
    probe.era === call.era && probe.name === call.name ? { ...probe, until: now + settings.probeMillis } : probe
  )
})

export const counts = (self: NaiveBreaker, call: Running): boolean =>
  call.era === self.era && (self.phase !== "HalfOpen" || self.probes.some((probe) => probe.name === call.name))

export const finish = (
  self: NaiveBreaker,
  settings: Settings,
  now: number,
  call: Running,
  outcome: Outcome,
  slow: boolean,
  hint: number,
  random: number
): NaiveBreaker => {
  if (!counts(self, call)) return self
  if (self.phase === "HalfOpen") {
    const seen = outcome === "Success" && slow ? "Failure" : outcome
    return finishProbe(self, settings, now, call.name, seen, hint, random)
  }
  if (outcome === "Ignored") return self
  const failed = outcome === "Failure"
  const next = { ...self, calls: [...self.calls, { at: now, failed, slow }] }
  return (failed || slow) && isTooMuch(next, settings, now) ? openFrom(next, settings, now, hint, random) : next
}

export const reset = (self: NaiveBreaker, now: number): NaiveBreaker => enter(self, "Closed", now, [])

export const trip = (self: NaiveBreaker, settings: Settings, now: number, random: number): NaiveBreaker =>
  self.phase === "Isolated" ? self : openFrom(self, settings, now, 0, random)

export const isolate = (self: NaiveBreaker, now: number, until = Infinity): NaiveBreaker => ({
  ...(self.phase === "Isolated" ? self : enter(self, "Isolated", now, self.openTimes)),
  isolatedUntil: until
})

/** What can be seen of it at `now`, in words that the real machine can be put into as well. */
export const describe = (self: NaiveBreaker, settings: Settings, now: number): string => {
  const history = `opened ${self.openTimes.length} times, last for ${lastOpenTime(self)}`
  switch (self.phase) {
    case "Isolated":
      return `Isolated, ${history}`
    case "Open":
      return `Open for ${Math.max(0, self.since + lastOpenTime(self) - now)}, ${history}`
    case "HalfOpen": {
      const left = self.probes.map(({ until }) => Math.max(-settings.openMaxMillis, until - now))
      const ignored = self.results.length - 1 - self.results.findLastIndex((one) => one !== "Ignored")
      const results = `${count(self, "Success")} good, ${count(self, "Failure")} bad, ${ignored} ignored in a row`
      return `HalfOpen, ${results}, running ${left.join(" ")}, ${history}`
    }
    case "Closed": {
      const quiet = Math.min(now - self.since, lastOpenTime(self))
      const calls = measured(self, settings, now)
      const failed = calls.filter((call) => call.failed).length
      const slow = calls.filter((call) => call.slow).length
      const tally =
        settings.tripPolicy.kind === "consecutive" ? `${failed} in a row` : `${calls.length}/${failed}/${slow}`
      return `Closed for ${quiet}, ${tally}, ${history}`
    }
  }
}
