/**
 * Two deadlines, one inside the other, perhaps under one of the caller: a deadline can only come earlier on the way in. When
 * it passes, the operation is interrupted, and ends when it has finished what it must.
 */
import { Duration, Effect, Option } from "effect"
import { Deadline, type Policy } from "../../src/index.ts"
import { Agenda, type Entry } from "./support/Agenda.ts"
import { type Behaviour, behaviourOf, type Call, endOfBehaviour, plain } from "./support/Call.ts"
import type { Model, Reference } from "./support/Model.ts"

const OWNERS = ["outer", "inner"] as const
type Owner = (typeof OWNERS)[number]

interface Plan extends Readonly<Record<Owner, number>> {
  readonly hasCallerDeadlines: boolean
}

interface Reconfigure {
  readonly _tag: "reconfigure"
  readonly owner: Owner
  readonly duration: number
}

/** A moment, and whose it is. */
interface Moment {
  readonly at: number
  readonly service: string
  readonly duration: number
}

/** What one of the two policies knows of a call. */
interface Level {
  readonly owner: Owner
  readonly moment: Moment
  alarm: Entry | undefined
  hasPassed: boolean
}

interface Running {
  readonly call: Call
  readonly behaviour: Behaviour
  /** The outer one first. */
  readonly levels: ReadonlyArray<Level>
  /** The time that was left at the start. */
  readonly left: number
  end: Entry | undefined
  isStopping: boolean
  isCallerGone: boolean
}

const noTotals = () => ({ successes: 0, failures: 0, exceeded: 0, interrupted: 0 })

const earlier = (outer: Moment | undefined, own: Moment): Moment =>
  outer !== undefined && outer.at <= own.at ? outer : own

const errorOf = ({ duration, service }: Moment, isStarted: boolean): string =>
  `TimeoutExceededError(${service}, total, ${isStarted}, ${duration} ms)`

export class DeadlineModel implements Reference<Reconfigure> {
  readonly story: Array<string> = []
  private readonly agenda = new Agenda()
  private readonly running = new Map<number, Running>()
  private readonly durations: Record<Owner, number>
  private readonly totals = { outer: noTotals(), inner: noTotals() }
  private readonly told = new Set<Moment>()

  constructor({ inner, outer }: Plan) {
    this.durations = { inner, outer }
  }

  call(call: Call): void {
    const { now } = this.agenda
    const levels: Array<Level> = []
    let moment: Moment | undefined =
      call.remaining === Infinity
        ? undefined
        : { at: now + call.remaining, service: "caller", duration: call.remaining }
    for (const owner of OWNERS) {
      const duration = this.durations[owner]
      const next = earlier(moment, { at: now + duration, service: owner, duration })
      if (next.at <= now) {
        this.totals[owner].exceeded++
        this.told.add(next)
        return this.tell(call, errorOf(next, false))
      }
      moment = next
      levels.push({ owner, moment: next, alarm: undefined, hasPassed: false })
    }
    const behaviour = behaviourOf(call, 1)
    const left = (moment?.at ?? Infinity) - now
    const run: Running = { call, behaviour, levels, left, end: undefined, isStopping: false, isCallerGone: false }
    this.tell(call)
    this.running.set(call.id, run)
    if (behaviour.does !== "hang") run.end = this.agenda.after(behaviour.after, () => this.endByItself(run))
    if (!this.running.has(call.id)) return
    // The inner one arranges its alarm first, since it is there first.
    for (const level of levels.filter(({ moment }) => moment.at < Infinity).toReversed()) {
      level.alarm = this.agenda.after(level.moment.at - now, () => {
        level.hasPassed = true
        this.stop(run)
      })
    }
  }

  interrupt(id: number): void {
    const run = this.running.get(id)
    if (run === undefined || run.isCallerGone) return
    run.isCallerGone = true
    for (const { alarm } of run.levels) this.agenda.cancel(alarm)
    this.stop(run)
  }

  advance(millis: number): void {
    this.agenda.advance(millis)
  }

  obey({ duration, owner }: Reconfigure): void {
    this.durations[owner] = duration
  }

  snapshot(): unknown {
    return { totals: this.totals, durations: this.durations, events: this.told.size }
  }

  private endByItself(run: Running): void {
    const { does } = run.behaviour
    const end = endOfBehaviour(run.behaviour)
    for (const { owner } of run.levels) {
      this.totals[owner][does === "succeed" ? "successes" : does === "interrupt" ? "interrupted" : "failures"]++
    }
    this.finish(run, does === "succeed" ? `${end} with ${run.left} ms` : end)
  }

  /** Interrupts the operation, which may take its time. */
  private stop(run: Running): void {
    if (run.isStopping) return
    run.isStopping = true
    this.agenda.cancel(run.end)
    this.agenda.after(run.behaviour.stubborn, () => this.stopped(run))
  }

  /** From the inside to the outside, each level learns how the one inside it ended. */
  private stopped(run: Running): void {
    let passed: Moment | undefined
    for (const { hasPassed, moment, owner } of run.levels.toReversed()) {
      const isNoticedInside = passed === moment
      if (hasPassed) {
        passed = moment
        this.told.add(moment)
      }
      if (hasPassed || isNoticedInside) this.totals[owner].exceeded++
      else this.totals[owner][passed === undefined || run.isCallerGone ? "interrupted" : "failures"]++
    }
    this.finish(run, passed === undefined || run.isCallerGone ? "interrupted" : errorOf(passed, true))
  }

  private finish(run: Running, end: string): void {
    this.running.delete(run.call.id)
    for (const { alarm } of run.levels) this.agenda.cancel(alarm)
    this.tell(run.call, end)
  }

  private tell({ id }: Call, end?: string): void {
    this.story.push(`at ${this.agenda.now} call ${id}${end === undefined ? ", attempt 1" : `: ${end}`}`)
  }
}

const DURATIONS = [1, 5, 10, 20, 30, Infinity]

export const deadline: Model<Plan, Reconfigure> = {
  policy: "deadline",
  waits: [1, 5, 10, 20, 40, 100],
  plan: (random) => ({
    outer: random.pick(DURATIONS),
    inner: random.pick(DURATIONS),
    hasCallerDeadlines: random.next() < 0.4
  }),
  palette: ({ hasCallerDeadlines }) => ({
    ...plain,
    stubborn: [0, 0, 0, 5, 10, 30],
    remaining: hasCallerDeadlines ? [Infinity, -1, 0, 1, 5, 10, 20, 40] : [Infinity]
  }),
  order: (random) => ({ _tag: "reconfigure", owner: random.pick(OWNERS), duration: random.pick(DURATIONS) }),
  reference: (plan) => new DeadlineModel(plan),
  real: (plan) => {
    const outer = Deadline.makeUnsafe({ service: "outer", duration: plan.outer })
    const inner = Deadline.makeUnsafe({ service: "inner", duration: plan.inner })
    const policies = { outer, inner }
    const totalsOf = (owner: Owner, now: number) => {
      const { exceeded, failures, interrupted, successes } = policies[owner].snapshot(now)
      return { successes, failures, exceeded, interrupted }
    }
    const millis = (owner: Owner, now: number) => Duration.toMillis(policies[owner].snapshot(now).duration)
    return {
      parts: [outer, inner, informing],
      obey: ({ duration, owner }) => policies[owner].reconfigure({ duration }),
      snapshot: (now, events) => ({
        totals: { outer: totalsOf("outer", now), inner: totalsOf("inner", now) },
        durations: { inner: millis("inner", now), outer: millis("outer", now) },
        events: events().length
      })
    }
  }
}

/** A part that lets a value tell how much time its operation had when it began. */
const informing: Policy.Guard = {
  kind: "informing",
  service: "prices",
  execute: (self) =>
    Effect.flatMap(Deadline.remaining, (left) =>
      Effect.map(self, (value) => `${String(value)} with ${Option.match(left, LEFT)} ms` as typeof value)
    ),
  executeWith: () => informing.execute,
  describe: () => "tells the time that is left",
  snapshot: () => ({ kind: "informing", service: "prices" })
}

const LEFT = { onNone: () => Infinity, onSome: Duration.toMillis }
