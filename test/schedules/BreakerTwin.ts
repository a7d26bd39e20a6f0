/**
 * A circuit breaker, and beside it the naive one of the models: both see the same calls and the same commands.
 */
import { Cause, Effect, type Exit } from "effect"
import type { CircuitBreaker } from "../../src/index.ts"
import type { Circuit } from "../../src/policy/internal/Circuit.ts"
import { describe } from "../core/support/Pair.ts"
import * as NaiveBreaker from "../models/NaiveBreaker.ts"
import { same } from "../support/sweep.ts"
import type { World } from "../support/World.ts"
import * as Situation from "../sweeps/operations/situations.ts"
import type { Twin } from "./programs.ts"

/** A call that was let through. */
interface Call {
  readonly running: NaiveBreaker.Running
  readonly startedAt: number
}

export class BreakerTwin implements Twin {
  private readonly world: World
  private readonly breaker: CircuitBreaker.CircuitBreaker
  private readonly settings: NaiveBreaker.Settings
  private readonly slowMillis: number
  private readonly calls = new Map<number, Call>()
  private naive: NaiveBreaker.NaiveBreaker
  private attempted = 0

  constructor(
    world: World,
    breaker: CircuitBreaker.CircuitBreaker,
    settings: NaiveBreaker.Settings,
    slowMillis: number
  ) {
    this.world = world
    this.breaker = breaker
    this.settings = settings
    this.slowMillis = slowMillis
    this.naive = NaiveBreaker.start(world.now)
  }

  readonly commands = {
    trip: Effect.suspend(() => {
      this.naive = NaiveBreaker.trip(this.present, this.settings, this.world.now, 0)
      return this.breaker.trip
    }),
    reset: Effect.suspend(() => {
      this.naive = NaiveBreaker.reset(this.present, this.world.now)
      return this.breaker.reset
    }),
    isolate: Effect.suspend(() => {
      this.naive = NaiveBreaker.isolate(this.present, this.world.now)
      return this.breaker.isolate
    })
  }

  call(fiber: number, end: Effect.Effect<unknown, unknown>): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      this.attempted++
      const { settings, world } = this
      const [naive, answer] = NaiveBreaker.begin(this.present, settings, world.now, this.attempted)
      this.naive = naive
      let isIn = false
      const work = Effect.suspend(() => {
        isIn = true
        if (typeof answer !== "number") this.calls.set(fiber, { running: answer, startedAt: world.now })
        return Effect.onExitPrimitive(Effect.andThen(Effect.yieldNow, end), (exit) => {
          this.finish(fiber, exit)
          return undefined
        })
      })
      return Effect.onExitPrimitive(Effect.exit(this.breaker.execute(work)), () => {
        same("whether the call is let through", isIn, typeof answer !== "number")
        return undefined
      })
    })
  }

  readonly agrees = (): void => {
    const { now } = this.world
    same("the circuit", this.story(), NaiveBreaker.describe(this.present, this.settings, now))
    const { failures, ignored, rejections, successes } = this.breaker.snapshot(now)
    const counted = failures + ignored + rejections + successes
    same("calls that are counted", counted, this.attempted - this.calls.size)
  }

  readonly state = (): string => {
    const { now } = this.world
    const calls = NaiveBreaker.measured(this.present, this.settings, now).map(
      ({ failed, slow }) => `${failed ? "bad" : "good"}${slow ? " and slow" : ""}`
    )
    return `${NaiveBreaker.describe(this.present, this.settings, now)}; ${calls.join(", ")}`
  }

  readonly stateOf = (fiber: number): string => {
    const call = this.calls.get(fiber)
    if (call === undefined) return ""
    const { present } = this
    if (!NaiveBreaker.counts(present, call.running)) return ", late"
    const probe = present.probes.findIndex(({ name }) => name === call.running.name)
    return `, ${probe === -1 ? "calls" : `probe ${probe}`}${this.isSlow(call) ? ", slow" : ""}`
  }

  readonly atRest = Effect.void

  readonly afterwards = (): void => {
    if (this.naive.phase === "Isolated") this.world.run(this.breaker.reset)
    Situation.decides(this.world, this.breaker)
  }

  private finish(fiber: number, exit: Exit.Exit<unknown, unknown>): void {
    const call = this.calls.get(fiber)
    if (call === undefined) return
    this.calls.delete(fiber)
    const { settings, world } = this
    const outcome = outcomeOf(exit)
    const slow = outcome !== "Ignored" && this.isSlow(call)
    this.naive = NaiveBreaker.finish(this.present, settings, world.now, call.running, outcome, slow, 0, 0)
  }

  private isSlow({ startedAt }: Call): boolean {
    return this.world.now - startedAt > this.slowMillis
  }

  private get present(): NaiveBreaker.NaiveBreaker {
    return NaiveBreaker.passTime(this.naive, this.settings, this.world.now, 0)
  }

  /** A snapshot does not show everything that decides how the circuit goes on, so this looks behind it. */
  private story(): string {
    const circuit: Circuit = Reflect.get(this.breaker, "main")
    const { now } = this.world
    return describe(circuit.stateAt(now), circuit.shared.settings, now)
  }
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): NaiveBreaker.Outcome => {
  if (exit._tag === "Success") return "Success"
  return Cause.hasInterruptsOnly(exit.cause) ? "Ignored" : "Failure"
}
