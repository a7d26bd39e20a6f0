/**
 * A timeout: a call gets a limit, or what is left of the caller's deadline if that is less. It ends in time or is interrupted,
 * and an interrupted call ends when it has finished what it must.
 */
import { Duration } from "effect"
import { Timeout } from "../../src/index.ts"
import { Agenda, type Entry } from "./support/Agenda.ts"
import { type Behaviour, behaviourOf, type Call, endOfBehaviour, plain } from "./support/Call.ts"
import type { Model, Reference } from "./support/Model.ts"

interface Plan {
  readonly duration: number
  readonly deadlines: boolean
}

interface Reconfigure {
  readonly _tag: "reconfigure"
  readonly duration: number
}

interface Running {
  readonly call: Call
  readonly behaviour: Behaviour
  readonly startedAt: number
  end: Entry | undefined
  alarm: Entry | undefined
  /** Why it was interrupted, once it was. */
  reason: "limit" | "caller" | undefined
  isCallerGone: boolean
}

export class TimeoutModel implements Reference<Reconfigure> {
  readonly story: Array<string> = []
  private readonly agenda = new Agenda()
  private readonly running = new Map<number, Running>()
  private readonly totals = { successes: 0, failures: 0, exceeded: 0, interrupted: 0 }
  private readonly events = { timeout: 0, deadline: 0 }
  private elapsed = { count: 0, seconds: 0 }
  private duration: number

  constructor({ duration }: Plan) {
    this.duration = duration
  }

  call(call: Call): void {
    const behaviour = behaviourOf(call, 1)
    if (call.remaining <= 0) {
      this.totals.exceeded++
      this.events.deadline++
      return this.tell(call, `TimeoutExceededError(caller, total, false, ${call.remaining} ms)`)
    }
    this.tell(call)
    const startedAt = this.agenda.now
    const run: Running = {
      call,
      behaviour,
      startedAt,
      end: undefined,
      alarm: undefined,
      reason: undefined,
      isCallerGone: false
    }
    this.running.set(call.id, run)
    if (behaviour.does !== "hang") run.end = this.agenda.after(behaviour.after, () => this.ended(run))
    if (!this.running.has(call.id)) return
    const isTotal = call.remaining <= this.duration
    const limit = Math.min(call.remaining, this.duration)
    const error = isTotal
      ? `TimeoutExceededError(caller, total, true, ${call.remaining} ms)`
      : `TimeoutExceededError(prices, attempt, true, ${this.duration} ms)`
    if (limit < Infinity) run.alarm = this.agenda.after(limit, () => this.exceed(run, error, isTotal))
  }

  interrupt(id: number): void {
    const run = this.running.get(id)
    if (run === undefined || run.isCallerGone) return
    run.isCallerGone = true
    this.agenda.cancel(run.alarm)
    if (run.reason !== undefined) return
    run.reason = "caller"
    this.stop(run, () => {
      this.totals.interrupted++
      this.finish(run, "interrupted")
    })
  }

  advance(millis: number): void {
    this.agenda.advance(millis)
  }

  obey({ duration }: Reconfigure): void {
    this.duration = duration
  }

  snapshot(): unknown {
    return { ...this.totals, duration: this.duration, events: this.events, elapsed: this.elapsed }
  }

  private ended(run: Running): void {
    const { does } = run.behaviour
    if (does === "succeed") this.totals.successes++
    else if (does === "interrupt") this.totals.interrupted++
    else this.totals.failures++
    this.finish(run, endOfBehaviour(run.behaviour))
  }

  private exceed(run: Running, error: string, isTotal: boolean): void {
    run.reason = "limit"
    this.stop(run, () => {
      this.totals.exceeded++
      this.events[isTotal ? "deadline" : "timeout"]++
      this.finish(run, run.isCallerGone ? "interrupted" : error)
    })
  }

  /** Interrupts the operation, which may take its time. */
  private stop(run: Running, then: () => void): void {
    this.agenda.cancel(run.end)
    this.agenda.after(run.behaviour.stubborn, then)
  }

  private finish(run: Running, end: string): void {
    this.running.delete(run.call.id)
    this.agenda.cancel(run.alarm)
    this.elapsed = {
      count: this.elapsed.count + 1,
      seconds: this.elapsed.seconds + (this.agenda.now - run.startedAt) / 1_000
    }
    this.tell(run.call, end)
  }

  private tell({ id }: Call, end?: string): void {
    this.story.push(`at ${this.agenda.now} call ${id}${end === undefined ? ", attempt 1" : `: ${end}`}`)
  }
}

export const timeout: Model<Plan, Reconfigure> = {
  policy: "timeout",
  waits: [1, 5, 10, 20, 40, 100],
  plan: (random) => ({ duration: random.pick([1, 5, 10, 20, 30, Infinity]), deadlines: random.next() < 0.4 }),
  palette: ({ deadlines }) => ({
    ...plain,
    stubborn: [0, 0, 0, 5, 30],
    remaining: deadlines ? [Infinity, -1, 0, 1, 5, 10, 20, 40] : [Infinity]
  }),
  order: (random) => ({ _tag: "reconfigure", duration: random.pick([1, 10, 20, Infinity]) }),
  reference: (plan) => new TimeoutModel(plan),
  real: ({ duration }) => {
    const policy = Timeout.makeUnsafe({ service: "prices", duration })
    return {
      parts: [policy],
      obey: ({ duration }) => policy.reconfigure({ duration }),
      snapshot: (now, events) => {
        const { exceeded, failures, interrupted, successes, ...snapshot } = policy.snapshot(now)
        const countOf = (kind: string) => events().filter((event) => event.kind === kind).length
        return {
          successes,
          failures,
          exceeded,
          interrupted,
          duration: Duration.toMillis(snapshot.duration),
          events: { timeout: countOf("timeout"), deadline: countOf("deadline") },
          elapsed: { count: policy.elapsedSeconds.count, seconds: policy.elapsedSeconds.sum }
        }
      }
    }
  }
}
