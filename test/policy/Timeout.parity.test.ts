import { describe, expect, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, References, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { Timeout } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"
import { ended } from "./support/ended.ts"

const LIMIT = 100

type Limit = <A, E, R>(
  self: Effect.Effect<A, E, R>
) => Effect.Effect<A, E | Cause.TimeoutError | Timeout.TimeoutExceededError, R>

const theirs: Limit = Effect.timeout(LIMIT)
const ours: Limit = Timeout.withTimeout(LIMIT)

/** What can be seen of an exit; the two errors of a limit look the same. */
const seen = (exit: Exit.Exit<unknown, unknown>): unknown => {
  if (Exit.isSuccess(exit)) return exit.value
  return exit.cause.reasons.map((reason) => {
    if (reason._tag === "Die") return ["Die", reason.defect]
    if (reason._tag === "Interrupt") return ["Interrupt"]
    const isLimit = Cause.isTimeoutError(reason.error) || reason.error instanceof Timeout.TimeoutExceededError
    return ["Fail", isLimit ? "limit" : reason.error]
  })
}

const seenOf = (call: Effect.Effect<unknown, unknown>) => Effect.map(ended(call), ({ at, exit }) => [at, seen(exit)])

/** Interrupts a call from outside at an instant, and tells when and how it ends. */
const seenOfInterrupted = (call: Effect.Effect<unknown, unknown>, at: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(call, { startImmediately: true })
    yield* TestClock.adjust(at)
    fiber.interruptUnsafe()
    const waiting = yield* ended(Fiber.await(fiber))
    return [at + waiting.at, seen(yield* Fiber.await(fiber))]
  })

class Config extends Context.Service<Config, string>()("test/Config") {}
const Depth = Context.Reference<number>("test/Depth", { defaultValue: () => 0 })

/** What happens under a limit, and what of it is to be seen. */
const table: Record<string, (limit: Limit) => Effect.Effect<unknown>> = {
  "a value at once": (limit) => seenOf(limit(Effect.succeed("value"))),
  "a value in time": (limit) => seenOf(limit(Effect.delay(Effect.succeed("value"), 50))),
  "a value at the instant of the limit": (limit) => seenOf(limit(Effect.delay(Effect.succeed("value"), LIMIT))),
  "a value at that instant whose timer was set later": (limit) =>
    seenOf(limit(Effect.andThen(Effect.yieldNow, Effect.delay(Effect.succeed("value"), LIMIT)))),
  "a failure": (limit) => seenOf(limit(Effect.delay(Effect.fail("error"), 50))),
  "a defect": (limit) => seenOf(limit(Effect.delay(Effect.die("defect"), 50))),
  "an interruption from inside": (limit) => seenOf(limit(Effect.delay(Effect.interrupt, 50))),
  "a failure with a defect of its finalizer": (limit) =>
    seenOf(limit(Effect.ensuring(Effect.delay(Effect.fail("error"), 50), Effect.die("defect")))),
  "work that never ends": (limit) => seenOf(limit(Effect.never)),
  "work with a slow finalizer": (limit) => seenOf(limit(Effect.ensuring(Effect.never, Effect.sleep(70)))),
  "work that ended in time with a finalizer that did not": (limit) =>
    seenOf(limit(Effect.ensuring(Effect.delay(Effect.succeed("value"), 50), Effect.sleep(200)))),
  "work that cannot be interrupted": (limit) => seenOf(limit(Effect.uninterruptible(Effect.sleep(250)))),
  "work that fails late and cannot be interrupted": (limit) =>
    seenOf(limit(Effect.uninterruptible(Effect.delay(Effect.fail("late"), 250)))),
  "work that becomes interruptible late": (limit) =>
    seenOf(limit(Effect.andThen(Effect.uninterruptible(Effect.sleep(150)), Effect.never))),
  "a caller that cannot be interrupted": (limit) => seenOf(Effect.uninterruptible(limit(Effect.never))),
  "a caller that restores the work only": (limit) =>
    seenOf(Effect.uninterruptibleMask((restore) => limit(restore(Effect.never)))),
  "a limit inside of a region that is made interruptible": (limit) =>
    seenOf(Effect.uninterruptible(Effect.interruptible(limit(Effect.never)))),
  "limits in limits": (limit) => seenOf(limit(limit(limit(Effect.never)))),
  "limits one after the other": (limit) =>
    seenOf(Effect.all([Effect.exit(limit(Effect.never)), Effect.exit(limit(Effect.never))], { discard: true })),
  "an interruption from outside": (limit) => seenOfInterrupted(limit(Effect.never), 40),
  "an interruption from outside with a slow finalizer": (limit) =>
    seenOfInterrupted(limit(Effect.ensuring(Effect.never, Effect.sleep(25))), 40),
  "an interruption from outside with a finalizer that outlasts the limit": (limit) =>
    seenOfInterrupted(limit(Effect.ensuring(Effect.never, Effect.sleep(150))), 40),
  "an interruption from outside of work that cannot be interrupted": (limit) =>
    seenOfInterrupted(limit(Effect.uninterruptible(Effect.sleep(200))), 40),
  "an interruption from outside after the limit": (limit) =>
    seenOfInterrupted(limit(Effect.ensuring(Effect.never, Effect.sleep(100))), 150),
  "an interruption from outside of a caller that cannot be interrupted": (limit) =>
    seenOfInterrupted(Effect.uninterruptible(limit(Effect.never)), 40),
  "children of the work that outlive it": (limit) =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      yield* limit(Effect.forkChild(service.call, { startImmediately: true })).pipe(Effect.orDie)
      return [service.calls(), service.active()]
    }),
  "detached fibers of the work": (limit) =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const detached = yield* limit(Effect.forkDetach(service.call, { startImmediately: true })).pipe(Effect.orDie)
      const active = service.active()
      yield* Fiber.interrupt(detached)
      return active
    }),
  "fibers in the caller's scope": (limit) =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const work = Effect.forkScoped(service.call, { startImmediately: true })
      const inside = yield* Effect.scoped(Effect.map(Effect.orDie(limit(work)), () => service.active()))
      return [inside, service.active()]
    }),
  "resources in the caller's scope": (limit) =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const resource = Effect.acquireRelease(
        Effect.sync(() => void log.push("acquired")),
        () => Effect.sync(() => void log.push("released"))
      )
      const used = Effect.andThen(
        limit(resource),
        Effect.sync(() => void log.push("used"))
      )
      yield* Effect.orDie(Effect.scoped(used))
      return log
    }),
  "resources in the caller's scope of work that exceeds the limit": (limit) =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const resource = Effect.acquireRelease(
        Effect.sync(() => void log.push("acquired")),
        () => Effect.sync(() => void log.push("released"))
      )
      const used = Effect.andThen(
        Effect.ignore(limit(Effect.andThen(resource, Effect.never))),
        Effect.sync(() => void log.push("after the limit"))
      )
      yield* ended(Effect.scoped(used))
      return log
    }),
  "services of the caller": (limit) => seenOf(limit(Config).pipe(Effect.provideService(Config, "configured"))),
  "services provided inside": (limit) => seenOf(limit(Effect.provideService(Config, Config, "inside"))),
  "references of the caller": (limit) => seenOf(limit(Depth).pipe(Effect.provideService(Depth, 7))),
  "references after they were changed inside": (limit) =>
    seenOf(
      Effect.andThen(limit(Effect.provideService(Effect.void, Depth, 8)), Depth).pipe(Effect.provideService(Depth, 7))
    ),
  "log annotations of the caller": (limit) =>
    seenOf(limit(References.CurrentLogAnnotations).pipe(Effect.annotateLogs("request", "r1"))),
  "the caller's span": (limit) =>
    seenOf(limit(Effect.map(Effect.currentSpan, ({ name }) => name)).pipe(Effect.orDie, Effect.withSpan("caller"))),
  "the parent of a span inside": (limit) => {
    const parent = Effect.map(Effect.currentSpan, (span) =>
      span.parent._tag === "Some" && span.parent.value._tag === "Span" ? span.parent.value.name : "none"
    )
    return seenOf(limit(Effect.withSpan(parent, "inside")).pipe(Effect.withSpan("caller")))
  },
  "annotations on the caller's span": (limit) => {
    const annotated = Effect.map(Effect.currentSpan, (span) => [...span.attributes])
    return seenOf(
      Effect.andThen(limit(Effect.annotateCurrentSpan("key", "value")), annotated).pipe(Effect.withSpan("caller"))
    )
  },
  "a tracer of the caller": (limit) =>
    Effect.gen(function* () {
      const names: Array<string> = []
      const tracer = Tracer.make({
        span: (options) => {
          names.push(options.name)
          return new Tracer.NativeSpan(options)
        }
      })
      yield* Effect.orDie(limit(Effect.withSpan(Effect.void, "inside")).pipe(Effect.withTracer(tracer)))
      return names
    })
}

describe("Timeout.withTimeout acts as Effect.timeout does", () => {
  for (const [what, scenario] of Object.entries(table)) {
    it.effect(`for ${what}`, () =>
      Effect.gen(function* () {
        const expected = yield* scenario(theirs)
        expect(yield* scenario(ours)).toEqual(expected)
      })
    )
  }
})

describe("unlike Effect.timeout", () => {
  it.effect("it does not lose a defect of a finalizer", () =>
    Effect.gen(function* () {
      const work = Effect.ensuring(Effect.never, Effect.die("defect"))
      expect(seen((yield* ended(ours(work))).exit)).toEqual([
        ["Die", "defect"],
        ["Fail", "limit"]
      ])
      expect(seen((yield* ended(theirs(work))).exit)).toEqual([["Fail", "limit"]])
    })
  )

  it.effect("it has no limit where the duration is zero or less", () =>
    Effect.gen(function* () {
      const work = Effect.delay(Effect.succeed("value"), 50)
      expect(seen((yield* ended(work.pipe(Effect.timeout(0)))).exit)).toEqual([["Fail", "limit"]])
      expect(seen((yield* ended(work.pipe(Timeout.withTimeout(0)))).exit)).toBe("value")
    })
  )
})
