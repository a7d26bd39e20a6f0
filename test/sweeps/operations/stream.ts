/**
 * Streams that are protected, read to their end or in part.
 */
import { Effect, Fiber, Stream } from "effect"
import { Bulkhead, CircuitBreaker, Deadline, Pipeline, ProtectedStream, Retry, Timeout } from "../../../src/index.ts"
import { type Operation, same } from "../../support/sweep.ts"
import * as Situation from "./situations.ts"

type Numbers = Stream.Stream<number, string>

const steps: Numbers = Stream.range(1, 2).pipe(
  Stream.rechunk(1),
  Stream.mapEffect((n) => Effect.as(Effect.yieldNow, n))
)

/** A stream, and how many of its kind are open. */
class Source {
  open = 0
  begun = 0
  readonly stream: Numbers

  constructor(...script: ReadonlyArray<Numbers>) {
    const acquire = Effect.acquireRelease(
      Effect.sync(() => {
        this.open++
        return script[Math.min(this.begun++, script.length - 1)] ?? Stream.empty
      }),
      () =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => this.open--)
        )
    )
    this.stream = Stream.unwrap(acquire)
  }

  rests(): void {
    same("streams that are open", this.open, 0)
  }
}

const sources: Readonly<Record<string, ReadonlyArray<Numbers>>> = {
  "that ends": [steps],
  "that breaks off": [Stream.concat(Stream.make(1), Stream.fail("broken"))],
  "that starts again": [Stream.fail("down"), steps],
  "that always fails": [Stream.fail("down")],
  "that keeps its consumer waiting for ever": [Stream.never],
  "that stops in the middle": [Stream.concat(Stream.make(1), Stream.never)]
}

const readers = {
  "read to its end": Stream.runDrain,
  "read in part": (stream: Stream.Stream<number, unknown>) => Stream.runDrain(Stream.take(stream, 1))
} satisfies Record<string, (stream: Stream.Stream<number, unknown>) => Effect.Effect<unknown, unknown>>

const makers = {
  deadline: Situation.maker(Deadline.Kind, { duration: 10_000 }),
  retry: Situation.maker(Retry.Kind, { maxAttempts: 2, baseDelay: 10, jitter: "none", budget: Situation.budgetOf(10) }),
  circuitBreaker: Situation.maker(CircuitBreaker.Kind, {
    consecutiveFailures: Situation.FAILURES,
    openDuration: Situation.OPEN_MILLIS,
    probeTimeout: "1 hour"
  }),
  bulkhead: Situation.maker(Bulkhead.Kind, { maxConcurrent: 1 }),
  timeout: Situation.maker(Timeout.Kind, { duration: 1_000 })
}

interface Start {
  readonly name: string
  readonly isHalfOpen?: boolean
  readonly isQueued?: boolean
}

const protectRow = (
  [how, script]: readonly [string, ReadonlyArray<Numbers>],
  [read, reader]: readonly [string, (stream: Stream.Stream<number, unknown>) => Effect.Effect<unknown, unknown>],
  { isHalfOpen = false, isQueued = false, name }: Start
): Operation => ({
  isVariant: true,
  name: `stream ${how}, ${read}, ${name}`,
  covers: ["ProtectedStream.protect"],
  prepare: (world) => {
    const source = new Source(...script)
    const pipeline = Pipeline.makeUnsafe({
      deadline: makers.deadline(),
      retry: makers.retry(),
      circuitBreaker: makers.circuitBreaker(),
      bulkhead: makers.bulkhead(),
      timeout: makers.timeout()
    })
    const [, retry, breaker, bulkhead] = pipeline.parts
    if (isHalfOpen) Situation.openThenWait(world, breaker)
    const holders = isQueued ? [world.fork(bulkhead.execute(Effect.sleep(100)))] : []
    return {
      call: reader(source.stream.pipe(ProtectedStream.protect(pipeline))),
      end: Fiber.interruptAll(holders),
      whenEnded: () => source.rests(),
      afterwards: (exit) => {
        Situation.hasFullCapacity(world, bulkhead)
        const { failures, interrupted, successes } = pipeline.snapshot(world.now)
        Situation.countsOnce({ successes, others: failures + interrupted }, source.begun, exit)
        Situation.hasFullBudget(world, retry, 10)
        Situation.decides(world, breaker)
      }
    }
  }
})

const protectRows: ReadonlyArray<Operation> = Object.entries(sources).map((source, number) =>
  protectRow(source, Object.entries(readers)[number % 2]!, { name: "closed" })
)

const others: ReadonlyArray<Operation> = [
  protectRow(["that ends", [steps]], ["read to its end", Stream.runDrain], { name: "as a probe", isHalfOpen: true }),
  protectRow(["that stops", sources["that stops in the middle"]!], ["read in part", readers["read in part"]], {
    name: "as a probe",
    isHalfOpen: true
  }),
  protectRow(["that fails", [Stream.fail("down")]], ["read to its end", Stream.runDrain], {
    name: "as a probe",
    isHalfOpen: true
  }),
  protectRow(["that ends", [steps]], ["read to its end", Stream.runDrain], {
    name: "in the queue",
    isQueued: true
  }),
  {
    name: "stream in the place of another one",
    covers: ["ProtectedStream.orElse"],
    prepare: () => {
      const first = new Source(Stream.fail("down"))
      const second = new Source(steps)
      return {
        call: Stream.runDrain(ProtectedStream.orElse(first.stream, () => second.stream)),
        afterwards: () => {
          first.rests()
          second.rests()
        }
      }
    }
  },
  ...(["firstElement", "idle", "total"] as const).flatMap((limit) =>
    Object.entries(sources)
      .slice(4)
      .map(([how, script]): Operation => ({
        name: `stream ${how}, with a limit for ${limit}`,
        covers: ["ProtectedStream.withTimeouts"],
        prepare: () => {
          const source = new Source(...script)
          const limited = source.stream.pipe(ProtectedStream.withTimeouts({ total: 1_000, [limit]: 100 }))
          return { call: Stream.runDrain(limited), whenEnded: () => source.rests() }
        }
      }))
  )
]

export const operations: ReadonlyArray<Operation> = [...protectRows, ...others]
