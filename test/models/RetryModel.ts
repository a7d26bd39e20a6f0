/**
 * A retry: after a failure that allows another attempt it waits, longer each time, if attempts, deadline and budget allow it.
 * The budget of a key is a share of the calls that came lately plus a floor; what waits has its retry set aside.
 */
import { Option } from "effect"
import { Retry } from "../../src/index.ts"
import { Agenda, type Entry } from "./support/Agenda.ts"
import { type Behaviour, behaviourOf, type Call, endOfBehaviour, type Failure, plain } from "./support/Call.ts"
import { CHANCE, type Model, type Reference } from "./support/Model.ts"

interface BackOff {
  readonly strategy: "exponential" | "linear" | "fixed" | "random"
  readonly baseDelay: number
  readonly factor: number
  readonly maxDelay: number
  readonly jitter: "none" | "equal" | "full" | "decorrelated"
}

interface Settings extends BackOff {
  readonly maxAttempts: number
  readonly retryAfterMax: number
  readonly overload: BackOff & { readonly maxAttempts?: number }
  readonly rateLimit: BackOff & { readonly maxAttempts?: number }
}

interface Plan {
  readonly settings: Settings
  readonly budget: { readonly ratio: number; readonly minimumPerSecond: number; readonly window: number } | undefined
  readonly onExhausted: "last" | "wrap"
  readonly hasDeadlines: boolean
}

interface Order {
  readonly _tag: "reconfigure"
  readonly changes: Partial<Settings>
}

type Class = "retryable" | "overload" | "rateLimit"

interface Running {
  readonly call: Call
  readonly startedAt: number
  attempts: number
  readonly retries: Record<Class, number>
  readonly delays: Record<Class, number>
  next: Entry | undefined
  isWaiting: boolean
}

/** The calls and retries of one key, each at its time. */
interface Account {
  readonly calls: Array<number>
  readonly retries: Array<number>
  setAside: number
}

const KEYS = [undefined, "a"]
const BUCKETS = 10
const CLASSES: Record<Failure["_tag"], Class | undefined> = {
  Down: "retryable",
  Busy: "overload",
  Limited: "rateLimit",
  Wrong: undefined
}

const between = (least: number, most: number): number => least + (most - least) * CHANCE

/** The delay before a retry (the first is 1), after a delay before. */
const delayOf = ({ baseDelay, factor, jitter, maxDelay, strategy }: BackOff, retry: number, before: number): number => {
  const growth = { exponential: factor ** (retry - 1), random: factor ** (retry - 1), linear: retry, fixed: 1 }
  const delay = Math.min(baseDelay * growth[strategy], maxDelay)
  if (strategy === "random" || jitter === "full") return between(0, delay)
  if (jitter === "none") return delay
  if (jitter === "equal") return between(delay * 0.8, Math.min(delay * 1.2, maxDelay))
  return between(Math.min(baseDelay, maxDelay), Math.min(Math.max(before, baseDelay) * 3, maxDelay))
}

const profileOf = (settings: Settings, kind: Class): { readonly backOff: BackOff; readonly maxAttempts: number } => {
  const { maxAttempts, overload, rateLimit } = settings
  if (kind === "retryable") return { backOff: settings, maxAttempts }
  if (maxAttempts === 1) return { backOff: settings[kind], maxAttempts }
  return kind === "overload"
    ? { backOff: overload, maxAttempts: overload.maxAttempts ?? Math.max(6, maxAttempts) }
    : { backOff: rateLimit, maxAttempts: rateLimit.maxAttempts ?? maxAttempts }
}

export class RetryModel implements Reference<Order> {
  readonly story: Array<string> = []
  private readonly agenda = new Agenda()
  private readonly running = new Map<number, Running>()
  private readonly accounts = new Map<string | undefined, Account>(
    KEYS.map((key) => [key, { calls: [], retries: [], setAside: 0 }])
  )
  private readonly totals = {
    successes: 0,
    successesAfterRetry: 0,
    failures: 0,
    exhausted: 0,
    interrupted: 0,
    retries: 0,
    outOfBudget: 0,
    outOfTime: 0
  }
  private scheduled = 0
  private settings: Settings
  private readonly plan: Plan

  constructor(plan: Plan) {
    this.plan = plan
    this.settings = plan.settings
  }

  call(call: Call): void {
    const none = { retryable: 0, overload: 0, rateLimit: 0 }
    const run: Running = {
      call,
      startedAt: this.agenda.now,
      attempts: 0,
      retries: { ...none },
      delays: { ...none },
      next: undefined,
      isWaiting: false
    }
    this.running.set(call.id, run)
    this.accountOf(run).calls.push(this.agenda.now)
    this.attempt(run)
  }

  interrupt(id: number): void {
    const run = this.running.get(id)
    if (run === undefined) return
    this.agenda.cancel(run.next)
    if (run.isWaiting) this.accountOf(run).setAside--
    this.finish(run, "interrupted")
  }

  advance(millis: number): void {
    this.agenda.advance(millis)
  }

  obey({ changes }: Order): void {
    this.settings = { ...this.settings, ...changes }
  }

  snapshot(): unknown {
    const { exhausted, outOfBudget, outOfTime } = this.totals
    return {
      ...this.totals,
      maxAttempts: this.settings.maxAttempts,
      budgets: KEYS.map((key) => this.leftOf(this.accounts.get(key)!)),
      events: { scheduled: this.scheduled, exhausted, abandoned: outOfBudget + outOfTime }
    }
  }

  private accountOf({ call }: Running): Account {
    return this.accounts.get(call.key)!
  }

  private leftOf({ calls, retries, setAside }: Account): number | undefined {
    const { budget } = this.plan
    if (budget === undefined) return undefined
    const bucket = budget.window / BUCKETS
    const oldest = Math.floor(this.agenda.now / bucket) - BUCKETS + 1
    const lately = (times: ReadonlyArray<number>) => times.filter((at) => Math.floor(at / bucket) >= oldest).length
    const floor = (budget.minimumPerSecond * budget.window) / 1_000
    const allowed = Math.floor(lately(calls) * budget.ratio + floor)
    return Math.max(0, allowed - lately(retries) - setAside)
  }

  private attempt(run: Running): void {
    run.attempts++
    const behaviour = behaviourOf(run.call, run.attempts)
    this.tell(run, `, attempt ${run.attempts}`)
    if (behaviour.does !== "hang") this.goOn(run, behaviour.after, () => this.attempted(run, behaviour))
  }

  /** What takes no time may already have arranged what comes next. */
  private goOn(run: Running, millis: number, action: () => void): void {
    if (millis > 0) run.next = this.agenda.after(millis, action)
    else action()
  }

  private attempted(run: Running, behaviour: Behaviour): void {
    const end = endOfBehaviour(behaviour)
    switch (behaviour.does) {
      case "succeed":
        this.totals.successes++
        if (run.attempts > 1) this.totals.successesAfterRetry++
        return this.finish(run, end)
      case "fail":
        return this.failed(run, behaviour.failure)
      case "die":
      case "fail and die":
        this.totals.failures++
        return this.finish(run, end)
      default:
        this.totals.interrupted++
        return this.finish(run, end)
    }
  }

  private failed(run: Running, { _tag, hint }: Failure): void {
    const kind = CLASSES[_tag]
    if (kind === undefined) return this.giveUp(run, _tag)
    const { backOff, maxAttempts } = profileOf(this.settings, kind)
    if (run.attempts >= maxAttempts) {
      this.totals.exhausted++
      const asked = hint > 0 ? `after ${hint} ms, ` : ""
      const wrapped = `RetryExhaustedError(prices, ${asked}${run.attempts} causes)`
      return this.finish(run, this.plan.onExhausted === "wrap" ? wrapped : _tag)
    }
    const retry = run.retries[kind] + 1
    const delay = delayOf(backOff, retry, run.delays[kind])
    const asked = Math.min(hint, this.settings.retryAfterMax)
    const wait = Math.max(delay, backOff.jitter === "none" ? asked : asked * (1 + 0.1 * CHANCE))
    if (wait >= run.startedAt + run.call.remaining - this.agenda.now) {
      this.totals.outOfTime++
      return this.giveUp(run, _tag)
    }
    if (this.leftOf(this.accountOf(run)) === 0) {
      this.totals.outOfBudget++
      return this.giveUp(run, _tag)
    }
    run.retries[kind] = retry
    run.delays[kind] = delay
    run.isWaiting = true
    this.accountOf(run).setAside++
    this.scheduled++
    this.goOn(run, wait, () => {
      run.isWaiting = false
      this.accountOf(run).setAside--
      this.accountOf(run).retries.push(this.agenda.now)
      this.totals.retries++
      this.attempt(run)
    })
  }

  private giveUp(run: Running, end: string): void {
    this.totals.failures++
    this.finish(run, end)
  }

  private finish(run: Running, end: string): void {
    this.running.delete(run.call.id)
    this.tell(run, `: ${end}`)
  }

  private tell({ call }: Running, what: string): void {
    this.story.push(`at ${this.agenda.now} call ${call.id}${what}`)
  }
}

export const retry: Model<Plan, Order> = {
  policy: "retry",
  waits: [1, 10, 20, 40, 100, 500],
  plan: (random) => {
    const backOff = (): BackOff => ({
      strategy: random.pick(["exponential", "linear", "fixed", "random"]),
      baseDelay: random.pick([0, 20, 20, 40]),
      factor: random.pick([1, 2]),
      maxDelay: random.pick([40, 100]),
      jitter: random.pick(["none", "none", "equal", "full", "decorrelated"])
    })
    const attempts = () => (random.next() < 0.5 ? {} : { maxAttempts: random.integer(1, 4) })
    return {
      settings: {
        ...backOff(),
        maxAttempts: random.integer(1, 4),
        retryAfterMax: random.pick([0, 40, 1_000]),
        overload: { ...backOff(), ...attempts() },
        rateLimit: { ...backOff(), ...attempts() }
      },
      budget:
        random.next() < 0.5
          ? undefined
          : {
              ratio: random.pick([0, 0.5, 1]),
              minimumPerSecond: random.pick([0, 1, 10]),
              window: random.pick([100, 1_000])
            },
      onExhausted: random.pick(["last", "wrap"]),
      hasDeadlines: random.next() < 0.3
    }
  },
  palette: ({ hasDeadlines }) => ({
    ...plain,
    does: ["succeed", "fail", "fail", "fail", "fail", "die", "fail and die", "interrupt", "hang"],
    failures: ["Down", "Down", "Busy", "Limited", "Wrong"],
    hints: [0, 0, 20, 80],
    after: [0, 0, 10, 40],
    keys: KEYS,
    remaining: hasDeadlines ? [Infinity, -1, 0, 20, 40, 100] : [Infinity],
    attempts: 4
  }),
  order: (random) => {
    const changes: ReadonlyArray<Partial<Settings>> = [
      { maxAttempts: random.integer(1, 4) },
      { baseDelay: random.pick([0, 20, 40]) },
      { jitter: random.pick(["none", "equal"]), retryAfterMax: random.pick([0, 40]) }
    ]
    return { _tag: "reconfigure", changes: random.pick(changes) }
  },
  reference: (plan) => new RetryModel(plan),
  real: ({ budget, onExhausted, settings }) => {
    const policy = Retry.makeUnsafe({ service: "prices", ...settings, ...(budget && { budget }), onExhausted })
    return {
      parts: [policy],
      obey: ({ changes }) => policy.reconfigure(changes),
      snapshot: (now, events) => {
        const { budget: _, kind: __, service: ___, ...snapshot } = policy.snapshot(now)
        const countOf = (tag: string) => events().filter(({ _tag }) => _tag === tag).length
        return {
          ...snapshot,
          budgets: KEYS.map((key) => Option.getOrUndefined(policy.snapshot(now, key).budget)),
          events: {
            scheduled: countOf("RetryScheduled"),
            exhausted: countOf("RetryExhausted"),
            abandoned: countOf("RetryAbandoned")
          }
        }
      }
    }
  }
}
