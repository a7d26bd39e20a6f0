/**
 * One circuit at work: its state, its totals, and the events that tell of its transitions.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Machine from "../../core/CircuitBreaker.ts"
import type * as RecentlyUsed from "../../core/RecentlyUsed.ts"
import * as TripPolicy from "../../core/TripPolicy.ts"
import type { Event, Mode, Snapshot } from "../CircuitBreaker.ts"
import * as Classifier from "../Classifier.ts"
import * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import { labelOf } from "../ResilienceError.ts"
import * as Events from "./circuitEvents.ts"
import type { Isolations } from "./Isolations.ts"
import type { Totals } from "./circuitTotals.ts"
import { judge } from "./judge.ts"
import { keyStates } from "./keyStates.ts"
import * as Orders from "./Orders.ts"
import { queuedMillis } from "./queueTime.ts"
import { isConsumerBusy, streamOf } from "./StreamProgress.ts"
import * as TimeLimit from "./TimeLimit.ts"

/** What the circuits of one breaker share, whatever their key. */
export interface Shared {
  readonly service: string
  readonly home: Policy.Observer | undefined
  readonly settings: Machine.Settings
  /** A call that takes longer is slow; `undefined` when slow calls are not watched. */
  readonly slowMillis: number | undefined
  readonly classify: Outcome.Classify
  readonly totals: Totals
  readonly listeners: Events.Listeners | undefined
  readonly isolations: Isolations | undefined
  mode: Mode
  order: Orders.Order
}

/** The start of a call that began when slow calls were not watched: it is not slow, whatever is watched at its end. */
export const NOT_TIMED = -1

/** When circuits that are not closed left that state. */
const leftClosedAt = new WeakMap<Circuit, number>()

/** One circuit. There may be one for each of many keys, so it holds nothing that the others hold too. */
export class Circuit implements RecentlyUsed.Entry<Circuit> {
  readonly shared: Shared
  readonly key: string | undefined
  usedAt = 0
  previous: Circuit | undefined
  next: Circuit | undefined
  state: Machine.State
  private obeyed = 0

  constructor(shared: Shared, key?: string) {
    this.shared = shared
    this.key = key
    this.state = Machine.initial(shared.settings)
  }

  /** The generation of a closed circuit; -1 when a call has to ask for admission. */
  get closedGeneration(): number {
    const state = this.state
    return state._tag === "Closed" && this.obeyed === this.shared.order.number ? state.generation : -1
  }

  /** How long an open circuit lets nobody in, as the machine would say; 0 when a call has to ask it for admission. */
  openMillis(now: number): number {
    const state = this.state
    return state._tag === "Open" && this.obeyed === this.shared.order.number ? Math.max(0, state.until - now) : 0
  }

  /** Whether an admitted probe is under way. */
  get isProbing(): boolean {
    const state = this.state
    return state._tag === "HalfOpen" && state.round.running.length > 0
  }

  /** What `admit` would answer. */
  preview(fiber: Fiber.Fiber<unknown, unknown>, now: number): Machine.Admission {
    this.advance(fiber, now)
    return Machine.admit(this.state, this.shared.settings, now)
  }

  /** Decides about one call and commits the decision. */
  admit(fiber: Fiber.Fiber<unknown, unknown>, now: number): Machine.Admission {
    const admission = this.preview(fiber, now)
    this.commit(fiber, admission.state)
    return admission
  }

  /** A probe that is a stream is alive as long as its elements arrive. */
  renew(fiber: Fiber.Fiber<unknown, unknown>, permit: Machine.Permit, now: number): void {
    this.advance(fiber, now)
    this.commit(fiber, Machine.renew(this.state, this.shared.settings, now, permit))
  }

  /** Gives back the slot of a probe that was not made. */
  withdraw(fiber: Fiber.Fiber<unknown, unknown>, permit: Machine.Permit): void {
    const now = Policy.monotonicMillis(fiber)
    this.advance(fiber, now)
    this.commit(fiber, Machine.withdraw(this.state, this.shared.settings, now, permit, this.random(fiber)))
  }

  /** Tells that a call is let through to find out whether the dependency is back. */
  tellProbe(fiber: Fiber.Fiber<unknown, unknown>): void {
    this.tell(fiber, "CircuitBreakerProbe", "Debug", undefined, () => ({ state: this.state._tag }))
  }

  /** Counts a call that is turned away, or would be if the breaker did more than observe. */
  countRejection(fiber: Fiber.Fiber<unknown, unknown>, error: unknown): void {
    const { mode, totals } = this.shared
    if (mode === "observe") totals.wouldReject++
    else totals.rejections++
    this.tell(fiber, "CircuitBreakerRejection", "Debug", error, () => ({ state: this.state._tag, mode }))
  }

  /**
   * Counts a success where only its time can matter to it, which is nearly always; returns whether that is so.
   */
  succeed(fiber: Fiber.Fiber<unknown, unknown>, generation: number): boolean {
    const { settings, slowMillis, totals } = this.shared
    const { state } = this
    if (slowMillis !== undefined || this.closedGeneration !== generation || state._tag !== "Closed") return false
    totals.successes++
    const now = TripPolicy.dependsOnTime(settings.tripPolicy) ? Policy.monotonicMillis(fiber) : 0
    this.state = Machine.succeed(state, settings, now)
    return true
  }

  /**
   * Takes the exit of a call into account; without a permit it changes only the totals. What the classifier throws is
   * thrown again, after the call has counted as failed.
   */
  settle(
    fiber: Fiber.Fiber<unknown, unknown>,
    permit: Machine.Permit | undefined,
    startedAt: number,
    exit: Exit.Exit<unknown, unknown>,
    classify: Outcome.Classify
  ): void {
    if (exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)) {
      // The deadline has cut the call off: the dependency did not answer in time, if it was asked.
      const deadline = isConsumerBusy(fiber) ? undefined : TimeLimit.interruptingDeadline(fiber)
      if (deadline === undefined) this.record(fiber, permit, startedAt, Outcome.ignored, undefined)
      else this.record(fiber, permit, startedAt, Outcome.failure(), TimeLimit.deadlineExceeded(deadline, true))
      return
    }
    let outcome: Outcome.Outcome
    try {
      outcome = judge(classify, exit)
    } catch (defect) {
      this.record(fiber, permit, startedAt, Outcome.failure(), defect)
      throw defect
    }
    this.record(fiber, permit, startedAt, outcome, exit._tag === "Failure" ? Outcome.subjectOf(exit.cause) : undefined)
  }

  /** Changes this circuit now, and those of all keys as soon as they are used. */
  commandAll(fiber: Fiber.Fiber<unknown, unknown>, give: Orders.Give): void {
    const at = Policy.monotonicMillis(fiber)
    this.advance(fiber, at)
    const order = give(this.shared.order, at)
    this.shared.order = order
    this.advance(fiber, at)
    // Who is isolated already has been told to be.
    if (this.state._tag === "Isolated") order.isTold = true
  }

  /** The state at a time, as it would be if a call came. */
  stateAt(now: number): Machine.State {
    const { order, settings } = this.shared
    return this.obeyed === order.number
      ? Machine.advance(this.state, settings, now, 0)
      : Orders.obey(order, this.obeyed, this.state, settings, now, 0)
  }

  /** With the circuits of keys that belong to it, if there are any. */
  snapshot(now: number, keyed?: ReadonlyArray<Circuit>): Snapshot {
    const { isolations, mode, service, settings, totals } = this.shared
    const state = this.stateAt(now)
    const rates = state._tag === "Closed" ? TripPolicy.rates(state.tally, settings.tripPolicy, now) : undefined
    return {
      kind: "circuit-breaker",
      service,
      mode,
      state: state._tag,
      openings: state.history.openings,
      failuresInRow: state._tag === "Closed" && typeof state.tally === "number" ? state.tally : 0,
      failureRate: Option.fromUndefinedOr(rates?.failureRate),
      slowCallRate: Option.fromUndefinedOr(rates?.slowCallRate),
      probing: state._tag === "HalfOpen" ? state.round.running.length : 0,
      retryAfter: Option.fromUndefinedOr(
        state._tag === "Open" ? Events.waitOf(Math.max(0, state.until - now)) : undefined
      ),
      isolations: (isolations?.at(now) ?? []).map(({ by, reason, until }) => ({
        by,
        reason: Option.fromUndefinedOr(reason),
        remaining: Option.fromUndefinedOr(Events.waitOf(until - now))
      })),
      ...keyStates(state, keyed, now),
      ...totals
    }
  }

  private record(
    fiber: Fiber.Fiber<unknown, unknown>,
    permit: Machine.Permit | undefined,
    startedAt: number,
    outcome: Outcome.Outcome,
    error: unknown
  ): void {
    const { settings, slowMillis, totals } = this.shared
    const needsTime = slowMillis !== undefined || this.dependsOnTime(permit, outcome)
    const now = needsTime ? Policy.monotonicMillis(fiber) : 0
    const answeredAt = (needsTime ? streamOf(fiber)?.firstAt : undefined) ?? now
    const tookMillis = answeredAt - queuedMillis(fiber) - startedAt
    const isTimed = slowMillis !== undefined && startedAt !== NOT_TIMED && outcome._tag !== "Ignored"
    const slow = isTimed && tookMillis > slowMillis
    if (needsTime) this.advance(fiber, now)
    if (slow) totals.slowCalls++
    if (outcome._tag === "Success") totals.successes++
    else if (outcome._tag === "Ignored") totals.ignored++
    else this.countFailure(fiber, error)
    if (permit === undefined) return
    if (!Machine.isCurrent(this.state, permit)) {
      totals.late++
      return
    }
    const hintMillis = outcome._tag === "Failure" ? hintOf(fiber, outcome, error) : 0
    const observation = { outcome: outcome._tag, slow, hintMillis }
    this.commit(fiber, Machine.record(this.state, settings, now, permit, observation, this.random(fiber)))
  }

  /** Whether the time of a result matters; if not, it is spared a reading of the clock. */
  private dependsOnTime(permit: Machine.Permit | undefined, outcome: Outcome.Outcome): boolean {
    const { order, settings } = this.shared
    const isProbe = permit !== undefined && permit.probe > 0
    return (
      isProbe ||
      outcome._tag === "Failure" ||
      TripPolicy.dependsOnTime(settings.tripPolicy) ||
      this.obeyed !== order.number
    )
  }

  /** What operators and time have decided happens first. */
  private advance(fiber: Fiber.Fiber<unknown, unknown>, now: number): void {
    const { order, settings } = this.shared
    if (this.obeyed !== order.number) return this.obey(fiber, order, now)
    if (this.state._tag === "HalfOpen" || this.state._tag === "Isolated") {
      this.commit(fiber, Machine.advance(this.state, settings, now, this.random(fiber)))
    }
  }

  private obey(fiber: Fiber.Fiber<unknown, unknown>, order: Orders.Order, now: number): void {
    const after = Orders.obey(order, this.obeyed, this.state, this.shared.settings, now, this.random(fiber))
    this.obeyed = order.number
    const isNews = !order.isTold
    if (after._tag !== this.state._tag) order.isTold = true
    this.commit(fiber, after, isNews, order.at)
  }

  private commit(fiber: Fiber.Fiber<unknown, unknown>, after: Machine.State, isNews = true, at?: number): void {
    const before = this.state
    if (after === before) return
    this.state = after
    if (after._tag === before._tag) return
    if (isNews) this.shared.totals.transitions++
    const now = Policy.monotonicMillis(fiber)
    if (before._tag === "Closed") leftClosedAt.set(this, at ?? now)
    const outageMillis = now - (leftClosedAt.get(this) ?? now)
    if (after._tag === "Closed") leftClosedAt.delete(this)
    Events.tell(fiber, this.shared, { key: this.key, before, after, now, outageMillis, isNews })
  }

  private countFailure(fiber: Fiber.Fiber<unknown, unknown>, error: unknown): void {
    this.shared.totals.failures++
    this.tell(fiber, "CircuitBreakerFailure", "Debug", error, () => ({
      exception_type: error === undefined ? "value" : labelOf(error)
    }))
  }

  private tell(
    fiber: Fiber.Fiber<unknown, unknown>,
    _tag: Event["_tag"],
    severity: Policy.Severity,
    error: unknown,
    attributes: () => Policy.Event["attributes"]
  ): void {
    const { home, service } = this.shared
    if (!Policy.isObserved(fiber, home)) return
    Policy.emit(fiber, home, { _tag, kind: "circuit-breaker", service, severity, attributes: attributes(), error })
  }

  /** What spreads the open time, when it is spread. */
  random(fiber: Fiber.Fiber<unknown, unknown>): number {
    return this.shared.settings.openJitter === 0 ? 0 : fiber.getRef(Random.Random).nextDoubleUnsafe()
  }
}

const hintOf = (fiber: Fiber.Fiber<unknown, unknown>, outcome: Outcome.Failure, error: unknown): number =>
  Duration.toMillis(outcome.retryAfter ?? Classifier.retryAfter(error, Policy.wallMillis(fiber)) ?? Duration.zero)
