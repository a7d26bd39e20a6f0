/**
 * A failed call that is answered in another way.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import { labelOf } from "../ResilienceError.ts"
import type * as Stage from "./Stage.ts"
import { isCommitted } from "./StreamProgress.ts"

/** The counts of the fallbacks of one service. A call that was interrupted counts as none of these. */
export interface Totals {
  /** Calls that needed no fallback. */
  successes: number
  /** Calls that a fallback answered. */
  answered: number
  /** Calls that failed all the same. */
  failures: number
}

/** Nothing has been called. */
export const noTotals = (): Totals => ({ successes: 0, answered: 0, failures: 0 })

/** What a fallback is called in metrics. */
export type Type = "function" | "model" | "value" | "chain" | "cached" | "stale" | "fail_open" | "fail_closed" | "empty"

/** Which errors are answered. */
export type Condition = string | ReadonlyArray<string> | ((error: unknown) => boolean) | undefined

/** What answers: an effect, or nothing, which means that the original error stays. */
export type Answer = (
  error: unknown,
  fiber: Fiber.Fiber<unknown, unknown>
) => { readonly effect: AnyEffect; readonly attributes?: Policy.Event["attributes"] } | undefined

/** One way to answer. `onSuccess` sees the values of calls that needed no answer. */
export interface Recovery {
  readonly type: Type
  readonly service: string
  readonly when: Condition
  readonly answer: Answer
  readonly severity?: Policy.Severity
  readonly onSuccess?: (value: unknown, fiber: Fiber.Fiber<unknown, unknown>) => void
}

/** The types of a fallback depend on its form and are told by its face; here it is any effect. */
type AnyEffect = Effect.Effect<unknown, unknown, unknown>

/** Where the fallbacks of a service are counted, and who hears about them. */
export interface Account {
  readonly totals: Totals
  readonly home: Policy.Observer | undefined
}

/** Guards an effect. */
export const guard = (
  self: AnyEffect,
  recovery: Recovery,
  recordOf: (fiber: Fiber.Fiber<unknown, unknown>) => Account | undefined
): AnyEffect =>
  Effect.withFiber((fiber) => {
    const record = recordOf(fiber)
    return Effect.matchCauseEffect(self, {
      onSuccess: (value) => {
        if (record !== undefined) record.totals.successes++
        recovery.onSuccess?.(value, fiber)
        return Effect.succeed(value)
      },
      onFailure: (cause) => answerTo(cause, recovery, record, fiber)
    })
  })

/** The halves of {@link guard}, where nobody looks at values. */
export const stage = (recovery: Recovery, account: Account): Stage.Recovery<undefined> => ({
  _tag: "Recovery",
  isPlain: () => true,
  begin: () => undefined,
  succeed: () => void account.totals.successes++,
  goOn: (_, _fiber, first) => guard(first, recovery, () => account)
})

const answerTo = (
  cause: Cause.Cause<unknown>,
  recovery: Recovery,
  record: Account | undefined,
  fiber: Fiber.Fiber<unknown, unknown>
): AnyEffect => {
  const totals = record?.totals
  const error = Outcome.firstError(cause)
  const fail = (cause: Cause.Cause<unknown>): AnyEffect => {
    if (totals !== undefined) countFailure(totals, cause)
    return Effect.failCause(cause)
  }
  let answer: ReturnType<Answer>
  try {
    const isAnswerable = Outcome.isRecoverable(cause) && !isCommitted(fiber) && isWanted(recovery.when, error)
    answer = isAnswerable ? recovery.answer(error, fiber) : undefined
  } catch (defect) {
    return fail(Cause.combine(cause, Cause.die(defect)))
  }
  if (answer === undefined) return fail(cause)
  if (Policy.isObserved(fiber, record?.home)) {
    Policy.emit(fiber, record?.home, {
      _tag: "FallbackUsed",
      kind: "fallback",
      service: recovery.service,
      severity: recovery.severity ?? "Info",
      attributes: { ...answer.attributes, fallback_type: recovery.type, exception_type: labelOf(error) },
      error
    })
  }
  if (totals === undefined) return answer.effect
  return Effect.onExitPrimitive(answer.effect, (exit) => {
    if (exit._tag === "Success") totals.answered++
    else countFailure(totals, exit.cause)
    return undefined
  })
}

const countFailure = (totals: Totals, cause: Cause.Cause<unknown>): void => {
  if (!Cause.hasInterruptsOnly(cause)) totals.failures++
}

const isWanted = (when: Condition, error: unknown): boolean => {
  if (when === undefined) return true
  if (typeof when === "function") return when(error)
  const tag = typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined
  return typeof when === "string" ? tag === when : when.some((wanted) => wanted === tag)
}
