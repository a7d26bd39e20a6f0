/**
 * A world of its own: its fibers take their turns when it says so, and its time passes when nothing else can happen. A run
 * in it is the same each time, needs no event loop, and knows what it leaves behind.
 */
import { Clock, Context, Duration, Effect, type Exit, type Fiber, Random, Scheduler } from "effect"

export type AnyFiber = Fiber.Fiber<unknown, unknown>

interface Alarm {
  readonly at: number
  readonly ring: () => void
  isIdle?: boolean
}

const MOST_TURNS = 100_000
const CHANCE = 0.25

/** The clock of every effect that has no other, on which timers of Node are used. */
export const LIVE_CLOCK = Context.get(Context.empty(), Clock.Clock)

export class World {
  /** Monotonic and wall-clock time, in milliseconds. */
  now = 0
  /** Asked before each operation of each fiber: whether the fiber shall yield. */
  onOperation: (fiber: AnyFiber) => boolean = () => false
  /** Which of so many turns that could come next comes next. */
  choose: (turns: number) => number = () => 0
  private readonly turns: Array<() => void> = []
  private readonly alarms = new Set<Alarm>()
  private readonly fibers = new Set<AnyFiber>()
  private readonly context = Context.make(Scheduler.Scheduler, this.makeScheduler()).pipe(
    Context.add(Random.Random, { nextDoubleUnsafe: () => CHANCE, nextIntUnsafe: () => 1 }),
    Context.add(Clock.Clock, this.makeClock())
  )

  /** Lets something happen while the live clock and the timers of Node show the time of this world. */
  live<A>(happens: () => A): A {
    const { clearTimeout, setTimeout } = globalThis
    const { bigint } = process.hrtime
    Object.assign(globalThis, {
      setTimeout: (ring: () => void, millis: number) => {
        const alarm: Alarm & { readonly ref: () => void; readonly unref: () => void } = Object.assign(
          this.setAlarm(millis, ring),
          { ref: () => void (alarm.isIdle = false), unref: () => void (alarm.isIdle = true) }
        )
        return alarm
      },
      clearTimeout: (alarm: Alarm) => void this.alarms.delete(alarm)
    })
    process.hrtime.bigint = () => this.nanos()
    try {
      return happens()
    } finally {
      Object.assign(globalThis, { clearTimeout, setTimeout })
      process.hrtime.bigint = bigint
    }
  }

  /** Starts an effect: it runs until it has to wait. */
  fork<A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(this.context)(effect)
  }

  /** Runs an effect to its end, however long it takes; nothing else goes on after it. */
  run<A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> {
    return this.end(this.fork(effect))
  }

  /** The value of an effect that has one. */
  get<A, E>(effect: Effect.Effect<A, E>): A {
    const exit = this.run(effect)
    if (exit._tag === "Failure") throw new Error(`failed: ${exit.cause}`)
    return exit.value
  }

  /** Lets happen what must until a fiber has ended. */
  end<A, E>(fiber: Fiber.Fiber<A, E>): Exit.Exit<A, E> {
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return exit
      if (!this.takeTurn() && !this.waitForAlarm()) throw new Error("the call hangs")
    }
    throw new Error(`the call has not ended after ${MOST_TURNS} turns`)
  }

  /** Lets happen what can happen now. */
  settle(): void {
    for (let turn = 0; this.takeTurn(); turn++) {
      if (turn > MOST_TURNS) throw new Error(`no rest after ${MOST_TURNS} turns`)
    }
  }

  /** Something that happens in a turn of its own. */
  schedule(task: () => void): void {
    this.turns.push(task)
  }

  /** Lets time pass. */
  wait(millis: number): void {
    const until = this.now + millis
    this.settle()
    while (this.waitForAlarm(until)) this.settle()
    this.now = until
  }

  /** Lets time pass at once: what has come due by then happens in turns of its own. */
  pass(millis: number): void {
    this.now += millis
    for (const alarm of this.alarms) {
      if (alarm.at > this.now) continue
      this.alarms.delete(alarm)
      this.turns.push(alarm.ring)
    }
  }

  /** The turns that could come next. */
  get pending(): number {
    return this.turns.length
  }

  /** The fibers that have not ended. */
  get running(): number {
    let running = 0
    for (const fiber of this.fibers) if (fiber.pollUnsafe() === undefined) running++
    return running
  }

  /** The alarms and sleeps that have not ended. A timer that nobody waits for, because it may be needed again, is none. */
  get waiting(): number {
    return [...this.alarms].filter(({ isIdle }) => isIdle !== true).length
  }

  private takeTurn(): boolean {
    if (this.turns.length === 0) return false
    const [turn] = this.turns.splice(this.choose(this.turns.length), 1)
    turn?.()
    return turn !== undefined
  }

  private waitForAlarm(until = Infinity): boolean {
    let next: Alarm | undefined
    for (const alarm of this.alarms) if (next === undefined || alarm.at < next.at) next = alarm
    if (next === undefined || next.at > until) return false
    this.alarms.delete(next)
    this.now = Math.max(this.now, next.at)
    next.ring()
    return true
  }

  private setAlarm(millis: number, ring: () => void): Alarm {
    const alarm: Alarm = { at: this.now + millis, ring }
    this.alarms.add(alarm)
    return alarm
  }

  private nanos(): bigint {
    return BigInt(Math.round(this.now * 1e6))
  }

  private makeScheduler(): Scheduler.Scheduler {
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => void this.turns.push(task),
      flush: () => this.settle()
    }
    return {
      executionMode: "async",
      makeDispatcher: () => dispatcher,
      shouldYield: (fiber) => {
        this.fibers.add(fiber)
        return this.onOperation(fiber)
      }
    }
  }

  private makeClock(): Clock.Clock {
    const millis = () => this.now
    const nanos = () => this.nanos()
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.callback((resume) => {
          const alarm = this.setAlarm(Duration.toMillis(duration), () => resume(Effect.void))
          return Effect.sync(() => {
            this.alarms.delete(alarm)
          })
        })
    }
  }
}
