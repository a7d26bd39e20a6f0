/**
 * The circuit breaker of one service: its circuits, and what they share.
 *
 * **Details**
 *
 * There may be a breaker for each of many dependencies, so it keeps little: what can be worked out from the options as they
 * were written is worked out when somebody asks, circuits by key are there from the first key, and nothing is bound in
 * advance: functions are bound when they are taken from it, so that they can be passed on by themselves.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Machine from "../../core/CircuitBreaker.ts"
import type * as CircuitBreaker from "../CircuitBreaker.ts"
import type * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import { Circuit, type Shared } from "./Circuit.ts"
import { noTotals } from "./circuitTotals.ts"
import type * as Events from "./circuitEvents.ts"
import type { CircuitBreakerOpenError } from "./CircuitBreakerOpenError.ts"
import { Guarded, stage } from "./CircuitGuard.ts"
import { describe, settingsOf, slowMillisOf } from "./circuitSettings.ts"
import * as Isolations from "./Isolations.ts"
import * as Keyed from "./Keyed.ts"
import { keyStates } from "./keyStates.ts"
import * as Orders from "./Orders.ts"
import { noteWaits } from "./queueTime.ts"
import * as Stage from "./Stage.ts"

/** The part of a breaker that does not know how options are written. */
export abstract class Breaker implements CircuitBreaker.CircuitBreaker, Shared, Stage.Staged {
  readonly service: string
  readonly home: Policy.Observer | undefined
  settings!: Machine.Settings
  slowMillis: number | undefined
  readonly classify: Outcome.Classify
  readonly totals = noTotals()
  mode: CircuitBreaker.Mode
  order = Orders.NO_ORDER
  listeners: Events.Listeners | undefined = undefined
  private readonly main: Circuit
  private keyed: Keyed.Keyed<Circuit> | undefined = undefined
  isolations: Isolations.Isolations | undefined = undefined

  constructor(
    service: string,
    options: CircuitBreaker.Options,
    classify: Outcome.Classify,
    home: Policy.Observer | undefined
  ) {
    this.service = service
    this.home = home
    this.obey(options)
    this.classify = classify
    this.mode = options.mode
    this.main = new Circuit(this)
  }

  abstract get options(): CircuitBreaker.Options

  abstract get reconfigure(): CircuitBreaker.CircuitBreaker["reconfigure"]

  /** Follows other options from now on. */
  protected obey(options: CircuitBreaker.Options): void {
    this.settings = settingsOf(options)
    this.slowMillis = slowMillisOf(options)
    if (this.slowMillis !== undefined) noteWaits()
  }

  get kind(): "circuit-breaker" {
    return "circuit-breaker"
  }

  get execute(): Policy.Policy<CircuitBreakerOpenError> {
    const { main } = this
    return (self) => new Guarded(this, () => main, self, this.classify)
  }

  get executeWith(): CircuitBreaker.CircuitBreaker["executeWith"] {
    return ({ classify = this.classify, key }) => {
      const circuitOf = this.circuitOf(key)
      return (self) => new Guarded(this, circuitOf, self, classify)
    }
  }

  [Stage.key](call: CircuitBreaker.CallOptions | undefined): Stage.Stage {
    return stage(this, this.circuitOf(call?.key), call?.classify ?? this.classify)
  }

  get snapshot(): CircuitBreaker.CircuitBreaker["snapshot"] {
    return (now, key) => {
      if (key === undefined) return this.main.snapshot(now, this.keyed?.alive(now))
      return (this.keyed?.peek(key, now) ?? new Circuit(this)).snapshot(now)
    }
  }

  get worstState(): CircuitBreaker.CircuitBreaker["worstState"] {
    return (now) => keyStates(this.main.stateAt(now), this.keyed?.alive(now), now).worstState
  }

  get describe(): () => string {
    return () => describe(this.options)
  }

  get reset(): Effect.Effect<void> {
    return withFiberSync((fiber) => {
      this.isolations?.clear()
      this.main.commandAll(fiber, Orders.anew(Machine.reset))
    })
  }

  get trip(): Effect.Effect<void> {
    return withFiberSync((fiber) => {
      this.main.commandAll(fiber, Orders.added(Orders.trip(this.settings, this.main.random(fiber))))
    })
  }

  get isolate(): Effect.Effect<void> {
    return this.isolateWith({})
  }

  get isolateWith(): CircuitBreaker.CircuitBreaker["isolateWith"] {
    return ({ by = ANONYMOUS, duration = Duration.infinity, reason }) =>
      withFiberSync((fiber) => {
        const now = Policy.monotonicMillis(fiber)
        const until = Math.min(now + lastingMillis(duration), Machine.FOREVER)
        this.isolations ??= Isolations.make()
        this.isolations.set({ by, reason, until })
        this.main.commandAll(fiber, Orders.anew(Isolations.changeBy(this.isolations.at(now))))
      })
  }

  get release(): CircuitBreaker.CircuitBreaker["release"] {
    return (by = ANONYMOUS) =>
      withFiberSync((fiber) => {
        const now = Policy.monotonicMillis(fiber)
        const { isolations } = this
        if (!isolations?.at(now).some((isolation) => isolation.by === by)) return
        isolations.delete(by)
        this.main.commandAll(fiber, Orders.anew(Isolations.changeBy(isolations.at(now))))
      })
  }

  get setMode(): CircuitBreaker.CircuitBreaker["setMode"] {
    return (mode) =>
      Effect.sync(() => {
        this.mode = mode
      })
  }

  get onTransition(): CircuitBreaker.CircuitBreaker["onTransition"] {
    return (listener) => {
      // A wrapper of its own, so that the same listener can be there twice.
      const own = (transition: Events.Transition) => listener(transition)
      this.listeners ??= new Set()
      this.listeners.add(own)
      return () => void this.listeners?.delete(own)
    }
  }

  private circuitOf(key: string | undefined): (fiber: Fiber.Fiber<unknown, unknown>) => Circuit {
    return (fiber) => (key === undefined ? this.main : this.circuits.get(fiber, key))
  }

  private get circuits(): Keyed.Keyed<Circuit> {
    this.keyed ??= Keyed.make(
      this.options,
      (key) => new Circuit(this, key),
      (circuit) => circuit.isProbing,
      (circuit, now) => circuit.openMillis(now) > 0
    )
    return this.keyed
  }
}

/** An isolation that is over when it begins would only take away what was there. */
const lastingMillis = (duration: Duration.Input): number => {
  const millis = Duration.toMillis(duration)
  if (millis > 0) return millis
  const got = Duration.format(Duration.fromInputUnsafe(duration))
  throw new Error(`CircuitBreaker.isolateWith: duration: expected a duration greater than zero, got ${got}`)
}

/** The operator who gives no name. */
const ANONYMOUS = ""

const withFiberSync = (f: (fiber: Fiber.Fiber<unknown, unknown>) => void): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    f(fiber)
    return Effect.void
  })
