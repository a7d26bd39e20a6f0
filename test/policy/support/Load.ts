/**
 * The same calls, interruptions and new limits for a bulkhead and for its model.
 */
import { expect } from "@effect/vitest"
import { Duration, Effect, type Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Deadline } from "../../../src/index.ts"
import { BulkheadModel, type Call } from "./BulkheadModel.ts"

export const KEYS = [undefined, "a", "b"]

export class Load {
  readonly bulkhead: Bulkhead.Bulkhead
  readonly model: BulkheadModel
  private readonly run: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  private readonly beganAt: number
  private readonly queueTimeout: number
  private readonly calls: Array<readonly [Call, Fiber.Fiber<unknown, unknown>]> = []
  private readonly started = new Map<string | undefined, ReadonlyArray<number>>()
  private readonly running = new Map<string | undefined, ReadonlyArray<number>>()
  private readonly insideBefore = new Map<string | undefined, number>()

  static make(options: { readonly maxConcurrent: number; readonly maxQueue: number; readonly queueTimeout: number }) {
    return Effect.gen(function* () {
      const run = Effect.runForkWith(yield* Effect.context<never>())
      const now = yield* TestClock.testClockWith((clock) => Effect.succeed(clock.currentTimeMillisUnsafe()))
      return new Load(options, run, now)
    })
  }

  private constructor(
    options: { readonly maxConcurrent: number; readonly maxQueue: number; readonly queueTimeout: number },
    run: Load["run"],
    now: number
  ) {
    this.bulkhead = Bulkhead.makeUnsafe(options)
    this.model = new BulkheadModel(options.maxConcurrent, options.maxQueue)
    this.run = run
    this.beganAt = now
    this.queueTimeout = options.queueTimeout
  }

  /** A call comes; `remaining` is the time to its deadline. */
  arrive(kind: Pick<Call, "key" | "millis" | "ending"> & { readonly remaining: number }): void {
    const { ending, key, millis, remaining } = kind
    const call: Call = {
      id: this.calls.length,
      key,
      millis,
      ending,
      patience: Math.min(remaining, this.queueTimeout)
    }
    const deadline = { at: this.now + remaining, service: "total", duration: Duration.millis(remaining) }
    this.model.arrive(call)
    const fiber = this.work(call).pipe(
      Bulkhead.withBulkhead(this.bulkhead, { key }),
      Effect.provideService(Deadline.CurrentDeadline, deadline),
      this.run
    )
    this.calls.push([call, fiber])
  }

  /** One of the latest calls is interrupted, whether it runs, waits, is about to start or is over. */
  interrupt(n: number): void {
    const recent = this.calls.slice(-8)
    const found = recent[n % recent.length]
    if (found === undefined) return
    const [call, fiber] = found
    this.model.interrupt(call)
    fiber.interruptUnsafe()
  }

  resize(limit: number): void {
    this.model.resize(limit)
    this.run(this.bulkhead.resize(limit))
  }

  /** Lets time pass; nobody is about to start any more. */
  wait(millis: number): Effect.Effect<void> {
    return Effect.tap(TestClock.adjust(millis), () => {
      this.model.wait(millis)
      return Effect.void
    })
  }

  /** The bulkhead is as the model says. */
  check(): void {
    for (const key of KEYS) {
      const { inside, started, waiting } = this.model.gateOf(key)
      const running = inside.filter(({ state }) => state === "running").map(({ call }) => call.id)
      expect(this.started.get(key) ?? []).toEqual(started)
      expect(new Set(this.running.get(key))).toEqual(new Set(running))
      const [active, queued] = this.occupancyOf(key)
      expect([active, queued]).toEqual([inside.length, waiting.length])
      expect(active).toBeLessThanOrEqual(Math.max(this.model.limit, this.insideBefore.get(key) ?? 0))
      if (queued > 0) expect(active).toBeGreaterThanOrEqual(this.model.limit)
      this.insideBefore.set(key, active)
    }
    const { active, failures, interrupted, limit, queued, rejected, successes, ...snapshot } = this.snapshot()
    expect(limit).toBe(this.model.limit)
    expect({ ...snapshot, failures, interrupted, successes }).toMatchObject(this.model.counts)
    expect(successes + failures + interrupted + rejected + active + queued).toBe(this.calls.length)
  }

  private get now(): number {
    return this.beganAt + this.model.now
  }

  private snapshot(key?: string): Bulkhead.Snapshot {
    return this.bulkhead.snapshot(this.now, key)
  }

  private occupancyOf(key: string | undefined): readonly [active: number, queued: number] {
    const { active, queued } = this.snapshot(key)
    if (key !== undefined) return [active, queued]
    const [a, b] = [this.snapshot("a"), this.snapshot("b")]
    return [active - a.active - b.active, queued - a.queued - b.queued]
  }

  private work({ ending, id, key, millis }: Call): Effect.Effect<void, string> {
    return Effect.suspend(() => {
      this.started.set(key, [...(this.started.get(key) ?? []), id])
      this.running.set(key, [...(this.running.get(key) ?? []), id])
      const end = ending === "success" ? Effect.void : ending === "failure" ? Effect.fail("down") : Effect.die("bug")
      return Effect.ensuring(
        Effect.andThen(Effect.sleep(millis), end),
        Effect.sync(() => {
          const others = this.running.get(key)!.filter((other) => other !== id)
          this.running.set(key, others)
        })
      )
    })
  }
}
