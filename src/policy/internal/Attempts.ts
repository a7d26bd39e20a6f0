/**
 * One call with all its attempts.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Machine from "../../core/Retry.ts"
import * as RetryBudget from "../../core/RetryBudget.ts"
import * as Classifier from "../Classifier.ts"
import * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import { labelOf } from "../ResilienceError.ts"
import { isAttemptTraced, traced } from "./attemptSpan.ts"
import { FiberEffect } from "./FiberEffect.ts"
import { perContext } from "./perContext.ts"
import { RetryExhaustedError } from "./RetryExhaustedError.ts"
import type { Succeed, Totals } from "./retryTotals.ts"
import type * as Stage from "./Stage.ts"
import { isCommitted } from "./StreamProgress.ts"
import * as TimeLimit from "./TimeLimit.ts"

/** What all calls of one retry share. */
export interface Shared {
  readonly service: string
  readonly home: Policy.Observer | undefined
  settings: Machine.Settings
  readonly budget: RetryBudget.Settings | undefined
  readonly totals: Totals
  readonly succeed: Succeed
}

/** What one call may choose. */
export interface Choices {
  readonly classify: ((error: unknown, now: number) => Classifier.Classification | undefined) | undefined
  readonly isWanted: ((error: unknown) => boolean) | undefined
  readonly wraps: boolean
}

type BudgetOf = (fiber: Fiber.Fiber<unknown, unknown>) => RetryBudget.State | undefined

/** An effect that is retried. Nothing of what a retry needs is made before the first failure. */
export class Guarded<A, E, R> extends FiberEffect<A, E | RetryExhaustedError<E>, R> {
  declare private readonly shared: Shared
  declare private readonly budgetOf: BudgetOf
  declare private readonly self: Effect.Effect<A, E, R>
  declare private readonly choices: Choices

  constructor(shared: Shared, budgetOf: BudgetOf, self: Effect.Effect<A, E, R>, choices: Choices) {
    super()
    this.shared = shared
    this.budgetOf = budgetOf
    this.self = self
    this.choices = choices
  }

  override run(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<A, E | RetryExhaustedError<E>, R> {
    const { budgetOf, choices, self, shared } = this
    const first = isPlain(fiber) ? self : traced(fiber, firstAttempt(fiber, self), shared.service, 1)
    return goOn(shared, choices, begin(fiber, budgetOf), fiber, first, self)
  }
}

/** The halves of {@link Guarded}. */
export const stage = (
  shared: Shared,
  budgetOf: BudgetOf,
  choices: Choices
): Stage.Recovery<RetryBudget.State | undefined> => ({
  _tag: "Recovery",
  isPlain,
  begin: (fiber) => begin(fiber, budgetOf),
  succeed: () => void shared.totals.successes++,
  goOn: (budget, fiber, first, again) => goOn(shared, choices, budget, fiber, first, again)
})

const begin = (fiber: Fiber.Fiber<unknown, unknown>, budgetOf: BudgetOf): RetryBudget.State | undefined => {
  const budget = budgetOf(fiber)
  if (budget !== undefined) RetryBudget.deposit(budget, Policy.monotonicMillis(fiber))
  return budget
}

const goOn = <A, E, R>(
  shared: Shared,
  choices: Choices,
  budget: RetryBudget.State | undefined,
  fiber: Fiber.Fiber<unknown, unknown>,
  first: Effect.Effect<A, E, R>,
  again: Effect.Effect<A, E, R>
): Effect.Effect<A, E | RetryExhaustedError<E>, R> =>
  Effect.matchCauseEffect(first, {
    onSuccess: shared.succeed,
    onFailure: (cause) => new Attempts(shared, budget, choices, fiber, again).next(cause)
  })

const NO_METADATA = Schedule.CurrentMetadata.defaultValue()

/** Whether no schedule outside has come to a second attempt. */
const isFirst = /* @__PURE__ */ perContext((context) => Context.get(context, Schedule.CurrentMetadata).attempt === 0)

/** Whether the first attempt is the effect as it is. */
const isPlain = (fiber: Fiber.Fiber<unknown, unknown>): boolean => isFirst(fiber) && !isAttemptTraced(fiber)

/** Under a schedule outside, what the effect sees of that one is not for it. */
const firstAttempt = <A, E, R>(
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  isFirst(fiber) ? self : Effect.provideService(self, Schedule.CurrentMetadata, NO_METADATA)

class Attempts<A, E, R> {
  private readonly shared: Shared
  private readonly budget: RetryBudget.State | undefined
  private readonly choices: Choices
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly self: Effect.Effect<A, E, R>
  private readonly causes: Array<Cause.Cause<E>> = []
  private readonly firstFailedAt: number
  private failedAt: number
  private state = Machine.initial

  constructor(
    shared: Shared,
    budget: RetryBudget.State | undefined,
    choices: Choices,
    fiber: Fiber.Fiber<unknown, unknown>,
    self: Effect.Effect<A, E, R>
  ) {
    this.shared = shared
    this.budget = budget
    this.choices = choices
    this.fiber = fiber
    this.self = self
    this.firstFailedAt = Policy.wallMillis(fiber)
    this.failedAt = this.firstFailedAt
  }

  /** Decides after a failed attempt. */
  next(cause: Cause.Cause<E>): Effect.Effect<A, E | RetryExhaustedError<E>, R> {
    if (this.choices.wraps) this.causes.push(cause)
    if (!Outcome.isRecoverable(cause) || isCommitted(this.fiber)) return this.fail(cause)
    const error = Outcome.firstError(cause) as E
    let failure: Machine.Failure
    try {
      failure = this.classify(error)
    } catch (defect) {
      return this.fail(Cause.combine(cause, Cause.die(defect)))
    }
    const { fiber, shared } = this
    const remaining = TimeLimit.remainingMillis(fiber, Policy.monotonicMillis(fiber))
    const random = fiber.getRef(Random.Random).nextDoubleUnsafe()
    const decision = Machine.decide(this.state, shared.settings, failure, remaining, random)
    if (decision._tag === "Retry") return this.tryAgain(cause, error, failure, decision)
    if (decision.reason === "attempts") return this.exhaust(cause, error, failure)
    if (decision.reason === "deadline") this.abandon("deadline", error)
    return this.fail(cause)
  }

  private classify(error: E): Machine.Failure {
    const { classify, isWanted } = this.choices
    if (isWanted !== undefined && !isWanted(error)) return UNWANTED
    const now = Policy.wallMillis(this.fiber)
    const { kind, needsHint = false, retryAfter } = classify?.(error, now) ?? Classifier.classify(error, now)
    return { kind, needsHint, hintMillis: retryAfter === undefined ? 0 : Duration.toMillis(retryAfter) }
  }

  /**
   * A reserved retry is spent when the wait is over and given back when it is interrupted, so the finalizer is there before
   * the reservation.
   */
  private tryAgain(
    cause: Cause.Cause<E>,
    error: E,
    failure: Machine.Failure,
    { state, waitMillis }: Extract<Machine.Decision, { readonly _tag: "Retry" }>
  ): Effect.Effect<A, E | RetryExhaustedError<E>, R> {
    const { budget, fiber, shared } = this
    const metadata = this.metadata(error, waitMillis)
    let isReserved = false
    const waited = Effect.onExitPrimitive(
      Effect.suspend(() => {
        isReserved = this.reserve()
        if (!isReserved) return Effect.succeed(false)
        this.tell("RetryScheduled", "Info", error, {
          attempt_number: this.state.attempts,
          delay_millis: waitMillis,
          class: failure.kind
        })
        return waitMillis > 0 ? Effect.as(Effect.sleep(waitMillis), true) : Effect.succeed(true)
      }),
      (exit) => {
        if (isReserved && budget !== undefined) {
          if (exit._tag === "Success") RetryBudget.spend(budget, Policy.monotonicMillis(fiber))
          else RetryBudget.cancel(budget)
        }
        return undefined
      }
    )
    return Effect.flatMap(waited, (isPossible) => {
      if (!isPossible) {
        this.abandon("budget", error)
        return this.fail(cause)
      }
      shared.totals.retries++
      this.state = state
      const attempt = Effect.provideService(this.self, Schedule.CurrentMetadata, metadata)
      return Effect.matchCauseEffect(traced(fiber, attempt, shared.service, metadata.attempt + 1), {
        onSuccess: (value) => {
          shared.totals.successes++
          shared.totals.successesAfterRetry++
          return Effect.succeed(value)
        },
        onFailure: (cause) => this.next(cause)
      })
    })
  }

  private reserve(): boolean {
    const { budget, fiber, shared } = this
    if (budget === undefined || shared.budget === undefined) return true
    return RetryBudget.reserve(budget, shared.budget, Policy.monotonicMillis(fiber))
  }

  /** What the next attempt can see of the retry, as under `Effect.retry`. */
  private metadata(input: E, waitMillis: number): Schedule.Metadata {
    const now = Policy.wallMillis(this.fiber)
    const duration = Duration.millis(waitMillis)
    const elapsedSincePrevious = now - this.failedAt
    this.failedAt = now
    return {
      input,
      output: duration,
      duration,
      attempt: this.state.attempts,
      start: this.firstFailedAt,
      now,
      elapsed: now - this.firstFailedAt,
      elapsedSincePrevious
    }
  }

  private exhaust(
    cause: Cause.Cause<E>,
    error: E,
    { hintMillis }: Machine.Failure
  ): Effect.Effect<never, E | RetryExhaustedError<E>> {
    this.shared.totals.exhausted++
    this.tell("RetryExhausted", "Warn", error, { attempts: this.state.attempts })
    if (!this.choices.wraps) return Effect.failCause(cause)
    const retryAfter = hintMillis > 0 ? Duration.millis(hintMillis) : undefined
    const { service } = this.shared
    return Effect.fail(new RetryExhaustedError({ service, lastError: error, causes: this.causes, retryAfter }))
  }

  private abandon(reason: "budget" | "deadline", error: E): void {
    if (reason === "budget") this.shared.totals.outOfBudget++
    else this.shared.totals.outOfTime++
    this.tell("RetryAbandoned", "Warn", error, { reason, attempts: this.state.attempts })
  }

  private fail(cause: Cause.Cause<E>): Effect.Effect<never, E> {
    if (Cause.hasInterruptsOnly(cause)) this.shared.totals.interrupted++
    else this.shared.totals.failures++
    return Effect.failCause(cause)
  }

  private tell(_tag: string, severity: Policy.Severity, error: E, attributes: Record<string, string | number>): void {
    const { home, service } = this.shared
    if (!Policy.isObserved(this.fiber, home)) return
    Policy.emit(this.fiber, home, {
      _tag,
      kind: "retry",
      service,
      severity,
      attributes: { ...attributes, exception_type: labelOf(error) },
      error
    })
  }
}

const UNWANTED: Machine.Failure = { kind: "not-retryable", hintMillis: 0, needsHint: false }
