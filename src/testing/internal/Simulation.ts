/**
 * Fibers on a `TestClock`, one step at a time: nothing goes on by itself, so thousands of runs take no time and each is the
 * same when it is repeated.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/testing/TestClock"
import * as Policy from "../../policy/Policy.ts"

/** A scheduler whose tasks wait until somebody runs them. */
class StandingScheduler implements Scheduler.Scheduler {
  readonly executionMode = "async"
  private tasks: Array<() => void> = []
  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield
  }
  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return { scheduleTask: (task) => void this.tasks.push(task), flush: () => this.run(Infinity) }
  }
  run(most: number): void {
    let done = 0
    for (; done < this.tasks.length && done < most; done++) this.tasks[done]!()
    this.tasks = this.tasks.slice(done)
  }
}

/** What a simulation can be told. */
export interface Options {
  /** What the fibers need. */
  readonly context?: Context.Context<never> | undefined
  /** Where chance comes from: a number of at least 0 and below 1. */
  readonly random?: (() => number) | undefined
  /** After how many operations a fiber lets others go on, and can be interrupted. */
  readonly operationsBeforeYield?: number | undefined
}

/** Fibers and their clock. */
export class Simulation {
  private readonly scheduler = new StandingScheduler()
  private readonly clock: TestClock.TestClock
  private readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  private readonly forkCall: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>

  constructor({ context = Context.empty(), operationsBeforeYield = 2_048, random }: Options = {}) {
    const standing = Context.add(context, Scheduler.Scheduler, this.scheduler)
    const built = this.value(Effect.runForkWith(standing)(Effect.scoped(Layer.build(TestClock.layer()))))
    const timed = Context.merge(standing, built)
    this.clock = Context.get(timed, Clock.Clock) as TestClock.TestClock
    this.fork = Effect.runForkWith(timed)
    const call = Context.add(timed, Scheduler.MaxOpsBeforeYield, operationsBeforeYield)
    this.forkCall = Effect.runForkWith(random === undefined ? call : Context.add(call, Random.Random, randomOf(random)))
    // A clock that has been moved does not warn that it never is.
    this.advance(0)
  }

  /** The monotonic time in milliseconds. */
  get now(): number {
    return Policy.monotonicMillisOf(this.clock)
  }

  /** Runs an effect as far as it comes by itself; {@link settle} lets it go on. */
  start<A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> {
    return this.forkCall(effect)
  }

  /** Lets everything happen that can happen now, or only the next few steps of it. */
  settle(steps = Infinity): void {
    this.scheduler.run(steps)
  }

  /** Lets everything happen that can happen now, then time pass, and everything happen that happens meanwhile. */
  advance(millis: number): void {
    this.settle()
    this.value(this.fork(this.clock.adjust(millis)))
  }

  private value<A, E>(fiber: Fiber.Fiber<A, E>): A {
    this.settle()
    const exit = fiber.pollUnsafe()
    if (exit?._tag !== "Success") throw new Error("the simulation cannot go on by itself", { cause: exit })
    return exit.value
  }
}

const randomOf = (next: () => number) => ({
  nextDoubleUnsafe: next,
  nextIntUnsafe: () => Math.floor((next() * 2 - 1) * Number.MAX_SAFE_INTEGER)
})
