import { describe, expect, it } from "@effect/vitest"
import { Cause, Data, Effect, Exit } from "effect"
import { Fallback } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"

class Away extends Data.TaggedError("Away")<{ readonly minutes: number }> {}
class Denied extends Data.TaggedError("Denied") {}
type Failure = Away | Denied

const away = new Away({ minutes: 5 })
const denied = new Denied()
const check = (error: Failure): Effect.Effect<boolean, Failure> => Effect.fail(error)
const isAway = (error: Failure): error is Away => error._tag === "Away"

describe.each([
  { name: "failOpen", answering: Fallback.failOpen, answer: true, type: "fail_open" },
  { name: "failClosed", answering: Fallback.failClosed, answer: false, type: "fail_closed" }
])("$name", ({ answer, answering, type }) => {
  it.effect(`answers ${answer}, whatever the error`, () =>
    Effect.gen(function* () {
      expect(yield* check(away).pipe(answering)).toBe(answer)
      expect(yield* check(denied).pipe(answering)).toBe(answer)
    })
  )

  it.effect("lets both values pass", () =>
    Effect.gen(function* () {
      expect([yield* Effect.succeed(true).pipe(answering), yield* Effect.succeed(false).pipe(answering)]).toEqual([
        true,
        false
      ])
    })
  )

  it.effect("does not answer a defect or an interruption", () =>
    Effect.gen(function* () {
      for (const cause of [Cause.die("bug"), Cause.interrupt(1), Cause.combine(Cause.fail(away), Cause.die("bug"))]) {
        const exit = yield* Effect.failCause(cause).pipe(answering, Effect.exit)
        expect(Exit.isFailure(exit) && exit.cause).toBe(cause)
      }
    })
  )

  it.effect("answers only the errors that it is told to", () =>
    Effect.gen(function* () {
      const conditions: ReadonlyArray<Fallback.When<Failure>> = [
        "Away",
        ["Away"],
        isAway,
        (error: Failure): boolean => error === away
      ]
      for (const when of conditions) {
        expect(yield* check(away).pipe(answering({ when }))).toBe(answer)
        expect(yield* check(denied).pipe(answering({ when }), Effect.flip)).toBe(denied)
      }
    })
  )

  it.effect("with a service alone answers every error", () =>
    Effect.gen(function* () {
      expect(yield* check(denied).pipe(answering({ service: "openfga" }))).toBe(answer)
      expect(yield* check(denied).pipe(answering({}))).toBe(answer)
    })
  )

  it.effect("takes the effect as its first argument, too", () =>
    Effect.gen(function* () {
      expect(yield* answering(check(away))).toBe(answer)
      expect(yield* answering(check(away), { service: "openfga" })).toBe(answer)
      expect(yield* answering(check(away), { when: "Away" })).toBe(answer)
      expect(yield* answering(check(denied), { when: "Away" }).pipe(Effect.flip)).toBe(denied)
    })
  )

  it.effect("tells of its answer by its own type", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* check(away).pipe(answering({ service: "openfga" }), recorded.record)
      expect(recorded.events()).toMatchObject([
        { service: "openfga", error: away, attributes: { fallback_type: type, exception_type: "Away" } }
      ])
    })
  )
})

describe("orEmpty", () => {
  const find = (error: Failure): Effect.Effect<Array<string>, Failure> => Effect.fail(error)

  it.effect("answers with an empty array", () =>
    Effect.gen(function* () {
      expect(yield* find(away).pipe(Fallback.orEmpty)).toEqual([])
      expect(yield* find(away).pipe(Fallback.orEmpty({ service: "search" }))).toEqual([])
    })
  )

  it.effect("answers each call with an array of its own, which its caller may change", () =>
    Effect.gen(function* () {
      const call = find(away).pipe(Fallback.orEmpty)
      const first = yield* call
      first.push("mine")
      const second = yield* call
      expect(second).toEqual([])
      expect(second).not.toBe(first)
    })
  )

  it.effect("lets arrays pass, empty ones too", () =>
    Effect.gen(function* () {
      const values: Array<string> = []
      expect(yield* Effect.succeed(values).pipe(Fallback.orEmpty)).toBe(values)
    })
  )

  it.effect("answers only the errors that it is told to", () =>
    Effect.gen(function* () {
      expect(yield* find(away).pipe(Fallback.orEmpty({ when: isAway }))).toEqual([])
      expect(yield* find(denied).pipe(Fallback.orEmpty({ when: isAway }), Effect.flip)).toBe(denied)
    })
  )

  it.effect("takes the effect as its first argument, too", () =>
    Effect.gen(function* () {
      expect(yield* Fallback.orEmpty(find(away))).toEqual([])
      expect(yield* Fallback.orEmpty(find(away), { when: ["Away", "Denied"] })).toEqual([])
    })
  )
})

describe("make", () => {
  it.effect("makes a fallback with an answer for every typed error", () =>
    Effect.gen(function* () {
      const fallback = yield* Fallback.make((error) => Effect.succeed(["answer to", error]))
      expect(yield* check(away).pipe(fallback.execute)).toEqual(["answer to", away])
      expect(yield* Effect.succeed(1).pipe(fallback.execute)).toBe(1)
    })
  )

  it.effect("makes one that answers neither defects nor interruptions", () =>
    Effect.gen(function* () {
      const fallback = yield* Fallback.make(() => Effect.succeed("answer"))
      for (const cause of [Cause.die("bug"), Cause.interrupt(1)]) {
        const exit = yield* Effect.failCause(cause).pipe(fallback.execute, Effect.exit)
        expect(Exit.isFailure(exit) && exit.cause).toBe(cause)
      }
    })
  )

  it.effect("takes what the function throws for a defect", () =>
    Effect.gen(function* () {
      const bug = new Error("bug")
      const fallback = yield* Fallback.make((): Effect.Effect<string> => {
        throw bug
      })
      expect(yield* check(away).pipe(fallback.execute, Effect.exit)).toEqual(Exit.die(bug))
    })
  )

  it.effect("makes one that tells its service and what it does", () =>
    Effect.gen(function* () {
      const unnamed = yield* Fallback.make(() => Effect.void)
      const named = Fallback.makeUnsafe(() => Effect.void, { service: "prices" })
      expect([unnamed.kind, unnamed.service, named.service]).toEqual(["fallback", "default", "prices"])
      expect(named.describe()).toBe("answers typed errors")
    })
  )

  it.effect("makes one that tells of its answers", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const fallback = yield* Fallback.make(() => Effect.succeed(true), { service: "prices" })
      yield* check(away).pipe(fallback.execute, recorded.record)
      expect(recorded.events()).toMatchObject([
        { _tag: "FallbackUsed", service: "prices", attributes: { fallback_type: "function", exception_type: "Away" } }
      ])
    })
  )
})
