/**
 * How the calls of a pipeline end.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Classifier from "../Classifier.ts"
import * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import { perContext } from "./perContext.ts"

/** The counts of a pipeline since it was made. */
export interface Totals {
  successes: number
  failures: number
  interrupted: number
}

/** One call of a pipeline. */
export interface Call {
  isOver: boolean
  /** Whether it runs in a call of another pipeline: then its failure has not reached the caller yet. */
  readonly isEnclosed: boolean
}

/** The call of the outermost pipeline around. What it forked, and what outlives it, inherits it. */
const Enclosing = Context.Reference<Call | undefined>("effect-resilience/EnclosingCall", {
  defaultValue: () => undefined
})

const enclosingOf = /* @__PURE__ */ perContext((context) => Context.get(context, Enclosing))

/** The context of what runs in a call. */
export const contextOf = (call: Call, context: Context.Context<never>): Context.Context<never> =>
  call.isEnclosed ? context : Context.add(context, Enclosing, call)

/** What runs in a call, so that it knows. */
const mark = <A, E, R>(call: Call, self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  call.isEnclosed ? self : Effect.provideService(self, Enclosing, call)

/** The calls of one pipeline. */
export class PipelineCalls {
  readonly service: string
  readonly home: Policy.Observer | undefined
  readonly totals: Totals = { successes: 0, failures: 0, interrupted: 0 }

  constructor(service: string, home: Policy.Observer | undefined) {
    this.service = service
    this.home = home
  }

  /** A call begins. */
  begin(fiber: Fiber.Fiber<unknown, unknown>): Call {
    const outer = enclosingOf(fiber)
    return { isOver: false, isEnclosed: outer !== undefined && !outer.isOver }
  }

  /** Counts a call when an effect is over. */
  around<A, E, R>(
    call: Call,
    fiber: Fiber.Fiber<unknown, unknown>,
    self: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> {
    return Effect.onExitPrimitive(mark(call, self), (exit) => {
      this.end(call, fiber, exit)
      return undefined
    })
  }

  /**
   * Counts a call when what is left of it is over. Until that begins it is over, and counts as interrupted, because an
   * interruption is what can come before.
   */
  rest<A, E, R>(
    call: Call,
    fiber: Fiber.Fiber<unknown, unknown>,
    self: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> {
    const { totals } = this
    totals.interrupted++
    call.isOver = true
    let isBegun = false
    const begin = (): void => {
      if (!isBegun) totals.interrupted--
      isBegun = true
      call.isOver = false
    }
    return Effect.onExitPrimitive(
      Effect.suspend(() => {
        begin()
        return mark(call, self)
      }),
      (exit) => {
        begin()
        this.end(call, fiber, exit)
        return undefined
      }
    )
  }

  /** Counts a call, and tells about it if it failed. */
  end(call: Call, fiber: Fiber.Fiber<unknown, unknown>, exit: Exit.Exit<unknown, unknown>): void {
    call.isOver = true
    if (exit._tag === "Success") this.totals.successes++
    else if (Cause.hasInterruptsOnly(exit.cause)) this.totals.interrupted++
    else this.fail(call, fiber, exit.cause)
  }

  private fail({ isEnclosed }: Call, fiber: Fiber.Fiber<unknown, unknown>, cause: Cause.Cause<unknown>): void {
    this.totals.failures++
    const { home, service } = this
    if (!Policy.isObserved(fiber, home)) return
    const error = Outcome.subjectOf(cause)
    const traits = Cause.hasDies(cause) ? DEFECT : Classifier.traitLabels(error, Policy.wallMillis(fiber))
    const attributes = isEnclosed ? { ...traits, enclosed: "true" } : traits
    Policy.emit(fiber, home, { _tag: "CallFailed", kind: "pipeline", service, severity: "Debug", attributes, error })
  }
}

const DEFECT = { error_code: "defect", category: "server_error", status_code: "500", retry_policy: "never" }
