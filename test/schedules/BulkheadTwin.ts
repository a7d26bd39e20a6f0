/**
 * A bulkhead, and beside it a list of who must have a permit and who must wait.
 */
import { Effect, type Exit } from "effect"
import { Bulkhead } from "../../src/index.ts"
import type { Passage } from "../../src/policy/internal/Passage.ts"
import type { Turns } from "../../src/policy/internal/Turns.ts"
import type { Tools } from "../support/schedules.ts"
import { same } from "../support/sweep.ts"
import * as Situation from "../sweeps/operations/situations.ts"
import type { Twin } from "./programs.ts"

export interface Limits {
  readonly maxConcurrent: number
  readonly maxQueue: number
  readonly queueMillis: number
}

export class BulkheadTwin implements Twin {
  private readonly world: Tools["world"]
  private readonly fiberAt: Tools["fiberAt"]
  private readonly bulkhead: Bulkhead.Bulkhead
  private readonly limits: Limits
  private readonly turns: Turns
  private readonly tasks: () => number
  private readonly permits = new Set<number>()
  private readonly running = new Set<number>()
  /** Until when fibers wait, in the order of their arrival. */
  private readonly queue = new Map<number, number>()
  private limit: number
  private attempted = 0

  constructor({ fiberAt, world }: Tools, bulkhead: Bulkhead.Bulkhead, limits: Limits, turns: Turns) {
    this.world = world
    this.fiberAt = fiberAt
    this.bulkhead = bulkhead
    this.limits = limits
    this.turns = turns
    this.tasks = countTasks(turns)
    this.limit = limits.maxConcurrent
  }

  readonly commands = {
    "resize to 0": this.resize(0),
    "resize to 1": this.resize(1),
    "resize to 2": this.resize(2)
  }

  call(fiber: number, end: Effect.Effect<unknown, unknown>): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      this.attempted++
      const isFull = this.permits.size >= this.limit && this.queue.size >= this.limits.maxQueue
      if (!isFull) this.queue.set(fiber, this.world.now + this.limits.queueMillis)
      this.serve()
      const work = Effect.suspend(() => {
        same("whether the call that is let in has a permit", this.permits.has(fiber), true)
        this.running.add(fiber)
        return Effect.andThen(Effect.yieldNow, end)
      })
      return Effect.exit(
        Effect.onExitPrimitive(this.bulkhead.execute(work), (exit) => {
          const reason = reasonOf(exit)
          same("whether the queue is full", reason === "full", isFull)
          if (reason === "queue-timeout") same("whether the wait is over", this.hasWaited(fiber), true)
          this.leave(fiber)
          return undefined
        })
      )
    })
  }

  readonly agrees = (): void => {
    const { active, limit, queued } = this.bulkhead.snapshot(this.world.now)
    same("the limit", limit, this.limit)
    same("calls with a permit", active, this.permits.size)
    same("calls that wait", queued, this.queue.size)
    same("calls that are counted", Situation.countedBy(this.bulkhead), this.attempted - active - queued)
  }

  readonly state = (): string => {
    const { task } = this.turns
    const last = task === undefined ? "" : `, the last of them due in ${task.due - this.world.now}`
    return `limit ${this.limit}, ${this.tasks()} tasks${last}`
  }

  readonly stateOf = (fiber: number): string => {
    if (this.running.has(fiber)) return ", runs"
    if (this.permits.has(fiber)) return `, let in as number ${this.placeOf(fiber)}`
    const until = this.queue.get(fiber)
    if (until === undefined) return ""
    return `, ${[...this.queue.keys()].indexOf(fiber)} in the queue for ${Math.max(0, until - this.world.now)}`
  }

  readonly atRest = this.resize(1)

  readonly afterwards = (): void => Situation.hasFullCapacity(this.world, this.bulkhead)

  private resize(limit: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.limit = limit
      this.serve()
      return this.bulkhead.resize(limit)
    })
  }

  /** Among those that come with the next task. */
  private placeOf(fiber: number): number {
    return this.turns.calls.findIndex((call) => (call as Passage)["fiber"] === this.fiberAt(fiber))
  }

  private serve(): void {
    for (const fiber of this.queue.keys()) {
      if (this.permits.size >= this.limit) return
      this.queue.delete(fiber)
      this.permits.add(fiber)
    }
  }

  private leave(fiber: number): void {
    this.running.delete(fiber)
    this.permits.delete(fiber)
    this.queue.delete(fiber)
    this.serve()
  }

  private hasWaited(fiber: number): boolean {
    return (this.queue.get(fiber) ?? Infinity) <= this.world.now
  }
}

/** The tasks that have yet to run: each is remembered when it is scheduled, and takes the calls out when it runs. */
const countTasks = (turns: Turns): (() => number) => {
  let count = 0
  let { task } = turns
  Object.defineProperty(turns, "task", {
    get: () => task,
    set: (next: Turns["task"]) => {
      if (next !== undefined) count++
      task = next
    }
  })
  turns.calls.splice = (start) => {
    count--
    return Array.prototype.splice.call(turns.calls, start, Infinity)
  }
  return () => count
}

const reasonOf = (exit: Exit.Exit<unknown, unknown>): Bulkhead.BulkheadRejectedError["reason"] | undefined => {
  if (exit._tag === "Success") return undefined
  const failures = exit.cause.reasons.flatMap((reason) => (reason._tag === "Fail" ? [reason.error] : []))
  return failures.find((error) => error instanceof Bulkhead.BulkheadRejectedError)?.reason
}
