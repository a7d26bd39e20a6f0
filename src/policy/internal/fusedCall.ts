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
import type * as Policy from "../Policy.ts"
import * as LimitedRun from "./limitedRun.ts"
import type { Call, PipelineCalls } from "./pipelineCalls.ts"
import type { Part } from "./pipelineParts.ts"
import * as Stage from "./Stage.ts"

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

/** The call of a fused pipeline, and its nested form: what is inside of a number of recoveries. */
export interface Guarded {
  readonly fusion: Fusion
  /** Counts the call, unless that happens around it. */
  readonly calls: PipelineCalls | undefined
  readonly self: AnyEffect
  readonly nested: (from: number) => AnyEffect
  /** All of it. */
  readonly whole: () => AnyEffect
}

/** Runs a call. */
export const run = (guarded: Guarded): AnyEffect =>
  Effect.withFiber((fiber) =>
    Effect.callback<unknown, unknown, unknown>((resume) => new FusedCall(guarded, fiber, resume).start())
  )

class FusedCall {
  private readonly guarded: Guarded
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly resume: (effect: AnyEffect) => void
  private readonly entries: Array<unknown> = []
  private begun: ReadonlyArray<unknown> = []
  private call: Call | undefined
  private isAbandoned = false

  constructor(guarded: Guarded, fiber: Fiber.Fiber<unknown, unknown>, resume: (effect: AnyEffect) => void) {
    this.guarded = guarded
    this.fiber = fiber
    this.resume = resume
  }

  start(): Effect.Effect<void> | undefined {
    const { fiber } = this
    const { calls, fusion, self, whole } = this.guarded
    const limited = fusion.recoveries.every((recovery) => recovery.isPlain(fiber))
      ? fusion.limit.limit(fiber)
      : undefined
    if (limited === undefined || !this.enter(fusion.admissions)) {
      this.resume(whole())
      return undefined
    }
    this.begun = fusion.recoveries.map((recovery) => recovery.begin(fiber))
    this.call = calls?.begin(fiber)
    const context = this.call === undefined ? fiber.context : calls!.contextOf(this.call, fiber.context)
    const abandon = LimitedRun.start(limited, self, context, (exit) => this.end(exit))
    if (abandon === undefined) return undefined
    return Effect.suspend(() => {
      this.isAbandoned = true
      return abandon
    })
  }

  private enter(admissions: ReadonlyArray<Stage.Admission>): boolean {
    for (const admission of admissions) {
      const entry = admission.enter(this.fiber)
      if (entry === undefined) {
        this.entries.forEach((entry, i) => admissions[i]!.withdraw(entry, this.fiber))
        return false
      }
      this.entries.push(entry)
    }
    return true
  }

  private end(ownExit: AnyExit): void {
    const { calls, fusion } = this.guarded
    const exit = this.leave(fusion.admissions, ownExit)
    if (exit._tag === "Success") for (const recovery of fusion.recoveries) recovery.succeed()
    else if (!this.isAbandoned) return this.resume(this.goOn(exit))
    if (this.call !== undefined) calls!.end(this.call, this.fiber, exit)
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
    const { calls, fusion, nested } = this.guarded
    const recovered = fusion.recoveries.reduceRight<AnyEffect>(
      (first, recovery, i) =>
        recovery.goOn(
          this.begun[i],
          this.fiber,
          first,
          Effect.suspend(() => nested(i + 1))
        ),
      exit
    )
    return this.call === undefined ? recovered : calls!.around(this.call, this.fiber, recovered)
  }
}
