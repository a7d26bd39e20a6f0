/**
 * The parts of a pipeline around an effect in one frame.
 *
 * **Details**
 *
 * The usual call passes everything at once and succeeds at once. For it, what the parts do before it and after it runs in
 * one step each, around the one fiber that a time limit needs anyway. A call that is turned away takes the nested form instead,
 * which it enters as if nothing had been. One that fails goes on in the nested form from there. In the line of the last
 * part a call can wait, too, because nothing but the effect itself is left to start when its turn comes.
 *
 * The permits are taken and the effect is started in one step of the runtime, and what gives them back is the end of the
 * effect's own fiber: no interruption can come between.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Policy from "../Policy.ts"
import type { ResilienceError } from "../ResilienceError.ts"
import { FiberEffect } from "./FiberEffect.ts"
import { type Caller, LimitedRun } from "./limitedRun.ts"
import { type Call, contextOf, type PipelineCalls } from "./pipelineCalls.ts"
import type { Part } from "./pipelineParts.ts"
import * as Stage from "./Stage.ts"
import type { Deadline } from "./TimeLimit.ts"

type AnyEffect = Effect.Effect<unknown, unknown, unknown>
type AnyFiber = Fiber.Fiber<unknown, unknown>
type AnyExit = Exit.Exit<unknown, unknown>

/** The innermost parts of a pipeline that can be fused: recoveries around admissions around a time limit. */
export interface Fusion {
  /** The other parts, which stand around. */
  readonly outer: ReadonlyArray<Part>
  readonly recoveries: ReadonlyArray<Stage.Recovery>
  readonly admissions: ReadonlyArray<Stage.Admission>
  readonly limit: Stage.Limit
}

/** How parts can be fused; `undefined` if they do not end in a time limit. */
export const fuse = (
  parts: ReadonlyArray<Part>,
  callOf: (part: Part) => Policy.CallOptions | undefined
): Fusion | undefined => {
  const stages = parts.map((part) => Stage.of(part, callOf(part)))
  const limit = stages.pop()
  if (limit?._tag !== "Limit") return undefined
  const admissions = takeLast(stages, (stage) => stage?._tag === "Admission") as Array<Stage.Admission>
  const recoveries = takeLast(stages, (stage) => stage?._tag === "Recovery") as Array<Stage.Recovery>
  return { outer: parts.slice(0, stages.length), recoveries, admissions, limit }
}

/** Takes the last elements for as long as they are wanted. */
const takeLast = <A>(array: Array<A>, isWanted: (element: A) => boolean): Array<A> =>
  array.splice(array.findLastIndex((element) => !isWanted(element)) + 1)

/** A pipeline that is fused, and its nested form. */
export interface Fused {
  readonly fusion: Fusion
  /** Counts calls, unless that happens around them. */
  readonly calls: PipelineCalls | undefined
  /** What is inside of so many recoveries. */
  readonly inner: (recoveries: number, self: AnyEffect) => AnyEffect
  /** The time limit alone. */
  readonly innermost: (self: AnyEffect) => AnyEffect
  /** All of it. */
  readonly whole: (self: AnyEffect) => AnyEffect
}

/** An effect behind all of it. */
export class Guarded extends FiberEffect<unknown, unknown, unknown> {
  declare private readonly fused: Fused
  declare private readonly self: AnyEffect

  constructor(fused: Fused, self: AnyEffect) {
    super()
    this.fused = fused
    this.self = self
  }

  override run(fiber: AnyFiber): AnyEffect {
    const { fused, self } = this
    return Effect.callback<unknown, unknown, unknown>((resume) => {
      const { admissions, limit, recoveries } = fused.fusion
      const now = Policy.monotonicMillis(fiber)
      const deadline = recoveries.every((recovery) => recovery.isPlain(fiber)) ? limit.limit(fiber, now) : undefined
      if (deadline === undefined) return resume(fused.whole(self))
      const entries = enter(admissions, fiber)
      const blocked = entries.indexOf(undefined)
      if (blocked === -1) return new FusedCall(fused, self, fiber, entries, resume).start(now, deadline)
      const line = blocked === admissions.length - 1 ? admissions[blocked]?.wait : undefined
      if (line !== undefined) return new FusedCall(fused, self, fiber, entries, resume).wait(line)
      withdraw(admissions, entries, 0, fiber)
      return resume(fused.whole(self))
    })
  }
}

/** Lets a call pass as far as that is possible at once; from where it is not, there are no entries. */
const enter = (admissions: ReadonlyArray<Stage.Admission>, fiber: AnyFiber): Array<unknown> => {
  let isOpen = true
  return admissions.map((admission) => {
    const entry = isOpen ? admission.enter(fiber) : undefined
    isOpen = entry !== undefined
    return entry
  })
}

/** Takes the entries from a place on to the inside back. */
const withdraw = (
  admissions: ReadonlyArray<Stage.Admission>,
  entries: Array<unknown>,
  from: number,
  fiber: AnyFiber
): void => {
  for (let i = from; i < entries.length; i++) {
    if (entries[i] !== undefined) admissions[i]!.withdraw(entries[i], fiber)
    entries[i] = undefined
  }
}

class FusedCall implements Caller, Stage.Turn<unknown> {
  private readonly fused: Fused
  private readonly self: AnyEffect
  private readonly fiber: AnyFiber
  private readonly entries: Array<unknown>
  private readonly begun: ReadonlyArray<unknown>
  private readonly call: Call | undefined
  private resume: (effect: AnyEffect) => void
  private waiting: Stage.Wait | undefined
  private limited: LimitedRun | undefined
  private child: AnyFiber | undefined
  private isAbandoned = false
  private isOver = false

  constructor(
    fused: Fused,
    self: AnyEffect,
    fiber: AnyFiber,
    entries: Array<unknown>,
    resume: (effect: AnyEffect) => void
  ) {
    this.fused = fused
    this.self = self
    this.fiber = fiber
    this.entries = entries
    this.resume = resume
    this.begun = fused.fusion.recoveries.map((recovery) => recovery.begin(fiber))
    this.call = fused.calls?.begin(fiber)
  }

  /** Starts the effect. What is returned abandons the call; nothing is returned if it is over already. */
  start(now: number, deadline: Deadline): Effect.Effect<void> | undefined {
    this.limited = new LimitedRun(this.fused.fusion.limit.calls, this.fiber, now, "attempt", deadline, this)
    this.child = this.limited.start(this.self, this.context)
    return this.child === undefined ? undefined : this.abandoning()
  }

  /** Gets in line. What is returned abandons the call, also later. */
  wait(line: NonNullable<Stage.Admission["wait"]>): Effect.Effect<void> {
    this.waiting = line(this.fiber, this)
    return this.abandoning()
  }

  /** The caller's own fiber starts the effect, because with it comes its asynchronous context, not that of who made room. */
  come(entry: unknown): void {
    this.waiting = undefined
    this.entries[this.entries.length - 1] = entry
    this.resume(
      Effect.callback<unknown, unknown, unknown>((resume) => {
        this.resume = resume
        const refusal = this.readmit()
        if (refusal !== undefined) return this.fail(refusal)
        const now = Policy.monotonicMillis(this.fiber)
        const deadline = this.fused.fusion.limit.limit(this.fiber, now)
        if (deadline === undefined) this.startNested()
        else this.start(now, deadline)
      })
    )
  }

  fail(error: unknown): void {
    if (!this.isOver) this.conclude(Exit.fail(error))
  }

  /** Who has abandoned the call is interrupted, whatever becomes of the effect. */
  end(exit: AnyExit): void {
    this.conclude(this.isAbandoned ? this.interruption : exit)
  }

  private conclude(ownExit: AnyExit): void {
    this.isOver = true
    const { calls, fusion } = this.fused
    const exit = this.leave(ownExit)
    if (exit._tag === "Success") for (const recovery of fusion.recoveries) recovery.succeed()
    else if (!this.isAbandoned && fusion.recoveries.length > 0) return this.resume(this.goOn(exit))
    if (this.call !== undefined) calls?.end(this.call, this.fiber, exit)
    this.resume(exit)
  }

  /** Asks who has let it pass before it waited. */
  private readmit(): ResilienceError | undefined {
    const { admissions } = this.fused.fusion
    for (let i = 0; i < admissions.length; i++) {
      const refusal = admissions[i]!.readmit?.(this.entries[i], this.fiber)
      if (refusal === undefined) continue
      withdraw(admissions, this.entries, i, this.fiber)
      return refusal
    }
    return undefined
  }

  /** While it waited, the limit has become one of another kind, such as a deadline that comes first. */
  private startNested(): void {
    this.child = Effect.runForkWith(this.context as Context.Context<unknown>)(this.fused.innermost(this.self))
    this.child.addObserver((exit) => this.end(exit))
  }

  private get context(): Context.Context<never> {
    return this.call === undefined ? this.fiber.context : contextOf(this.call, this.fiber.context)
  }

  private get interruption(): AnyExit {
    return Exit.interrupt(this.fiber.id)
  }

  private abandoning(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.isAbandoned = true
      const { child, limited, waiting } = this
      if (this.isOver) return Effect.void
      if (child !== undefined) return limited === undefined ? Fiber.interrupt(child) : limited.abandon(child)
      this.conclude(waiting?.giveUp() ?? this.interruption)
      return Effect.void
    })
  }

  private leave(ownExit: AnyExit): AnyExit {
    const { admissions } = this.fused.fusion
    let exit = ownExit
    for (let i = this.entries.length - 1; i >= 0; i--) {
      const entry = this.entries[i]
      if (entry === undefined) continue
      try {
        admissions[i]!.leave(entry, this.fiber, exit)
      } catch (defect) {
        exit = Effect.runSyncExit(Effect.ensuring(exit, Effect.die(defect)))
      }
    }
    return exit
  }

  private goOn(exit: AnyExit): AnyEffect {
    const { calls, fusion, inner } = this.fused
    const again = (recoveries: number) => Effect.suspend(() => inner(recoveries, this.self))
    const recovered = fusion.recoveries.reduceRight<AnyEffect>(
      (first, recovery, i) => recovery.goOn(this.begun[i], this.fiber, first, again(i + 1)),
      exit
    )
    return this.call === undefined || calls === undefined ? recovered : calls.rest(this.call, this.fiber, recovered)
  }
}
