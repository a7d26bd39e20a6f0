/**
 * The parts of a pipeline around an effect in one frame.
 *
 * **Details**
 *
 * The usual call passes everything at once and succeeds at once. For it, what the parts do before it and after it runs in
 * one step each, around the one fiber that a time limit needs anyway. A call that has to wait or is turned away takes the
 * nested form instead, which it enters as if nothing had been. One that fails goes on in the nested form from there.
 *
 * The permits are taken and the effect is started in one step of the runtime, and what gives them back is the end of the
 * effect's own fiber: no interruption can come between.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Policy from "../Policy.ts"
import { LimitedRun } from "./limitedRun.ts"
import { type Call, contextOf, type PipelineCalls } from "./pipelineCalls.ts"
import type { Part } from "./pipelineParts.ts"
import * as Stage from "./Stage.ts"
import type { Deadline } from "./TimeLimit.ts"

type AnyEffect = Effect.Effect<unknown, unknown, unknown>
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
  /** All of it. */
  readonly whole: (self: AnyEffect) => AnyEffect
}

/** Runs a call. */
export const run = (fused: Fused, self: AnyEffect): AnyEffect =>
  Effect.withFiber((fiber) =>
    Effect.callback<unknown, unknown, unknown>((resume) => {
      const { admissions, limit, recoveries } = fused.fusion
      const now = Policy.monotonicMillis(fiber)
      const deadline = recoveries.every((recovery) => recovery.isPlain(fiber)) ? limit.limit(fiber, now) : undefined
      const entries = deadline === undefined ? undefined : enter(admissions, fiber)
      if (deadline === undefined || entries === undefined) return resume(fused.whole(self))
      return new FusedCall(fused, self, fiber, now, deadline, entries, resume).begin()
    })
  )

/** Lets a call pass everywhere, or nowhere. */
const enter = (
  admissions: ReadonlyArray<Stage.Admission>,
  fiber: Fiber.Fiber<unknown, unknown>
): ReadonlyArray<unknown> | undefined => {
  const entries = admissions.map((admission) => admission.enter(fiber))
  if (!entries.includes(undefined)) return entries
  for (const [i, entry] of entries.entries()) if (entry !== undefined) admissions[i]!.withdraw(entry, fiber)
  return undefined
}

class FusedCall extends LimitedRun {
  private readonly fused: Fused
  private readonly self: AnyEffect
  private readonly entries: ReadonlyArray<unknown>
  private readonly resume: (effect: AnyEffect) => void
  private readonly begun: ReadonlyArray<unknown>
  private readonly call: Call | undefined
  private isAbandoned = false

  constructor(
    fused: Fused,
    self: AnyEffect,
    fiber: Fiber.Fiber<unknown, unknown>,
    now: number,
    limit: Deadline,
    entries: ReadonlyArray<unknown>,
    resume: (effect: AnyEffect) => void
  ) {
    super(fused.fusion.limit.calls, fiber, now, "attempt", limit)
    this.fused = fused
    this.self = self
    this.entries = entries
    this.resume = resume
    this.begun = fused.fusion.recoveries.map((recovery) => recovery.begin(fiber))
    this.call = fused.calls?.begin(fiber)
  }

  begin(): Effect.Effect<void> | undefined {
    const { call, fiber } = this
    return this.start(this.self, call === undefined ? fiber.context : contextOf(call, fiber.context))
  }

  protected override abandon(child: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> {
    this.isAbandoned = true
    return super.abandon(child)
  }

  protected end(ownExit: AnyExit): void {
    const { calls, fusion } = this.fused
    const exit = this.leave(fusion.admissions, ownExit)
    if (exit._tag === "Success") for (const recovery of fusion.recoveries) recovery.succeed()
    else if (!this.isAbandoned) return this.resume(this.goOn(exit))
    if (this.call !== undefined) calls?.end(this.call, this.fiber, exit)
    this.resume(exit)
  }

  private leave(admissions: ReadonlyArray<Stage.Admission>, ownExit: AnyExit): AnyExit {
    let exit = ownExit
    for (let i = admissions.length - 1; i >= 0; i--) {
      try {
        admissions[i]!.leave(this.entries[i], this.fiber, exit)
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
    return this.call === undefined || calls === undefined ? recovered : calls.around(this.call, this.fiber, recovered)
  }
}
