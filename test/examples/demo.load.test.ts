import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import * as Load from "../../examples/demo/load.ts"
import { bySide, failed, makeLedger, succeeded, waits } from "../../examples/demo/statistics.ts"
import * as Stopwatch from "../../examples/demo/stopwatch.ts"

type Answer = (request: HttpClientRequest.HttpClientRequest) => Effect.Effect<Response, HttpClientError.HttpClientError>

const clientOf = (answer: Answer) =>
  HttpClient.make((request) =>
    Effect.map(answer(request), (response) => HttpClientResponse.fromWeb(request, response))
  ).pipe(HttpClient.mapRequest(HttpClientRequest.prependUrl("http://gateway")))

const respond = (status: number, answeredBy?: string): Response =>
  new Response("text", { status, headers: answeredBy === undefined ? {} : { "x-answered-by": answeredBy } })

const broken: Answer = (request) =>
  Effect.fail(new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) }))

/** Runs a day of one second with ten calls for each side, and waits until the last caller has given up. */
const dayWith = (answers: { readonly unprotected: Answer; readonly protected: Answer }) =>
  Effect.gen(function* () {
    const ledgers = bySide(() => makeLedger(1000, 10))
    const clients = { unprotected: clientOf(answers.unprotected), protected: clientOf(answers.protected) }
    const stopwatch = yield* Stopwatch.start
    const load = Load.run({ ratePerSecond: 10, dayMillis: 1000, ledgers, clients, stopwatch })
    const fiber = yield* Effect.forkChild(load)
    return { fiber, ledgers }
  })

describe("the load", () => {
  it.effect("sends the calls of both sides at the chosen rate", () =>
    Effect.gen(function* () {
      const answer: Answer = () => Effect.succeed(respond(200))
      const { fiber, ledgers } = yield* dayWith({ unprotected: answer, protected: answer })
      yield* TestClock.adjust(250)
      expect([ledgers.unprotected.calls, ledgers.protected.calls]).toEqual([3, 3])
      yield* TestClock.adjust(650)
      yield* Fiber.join(fiber)
      expect([ledgers.unprotected.calls, ledgers.protected.calls]).toEqual([10, 10])
      expect(ledgers.unprotected.slots.map(({ answered }) => answered)).toEqual(Array.from({ length: 10 }, () => 1))
    })
  )

  it.effect("asks each side on its own route", () =>
    Effect.gen(function* () {
      const urls = new Set<string>()
      const answer: Answer = (request) =>
        Effect.sync(() => {
          urls.add(request.url)
          return respond(200)
        })
      const { fiber } = yield* dayWith({ unprotected: answer, protected: answer })
      yield* TestClock.adjust(900)
      yield* Fiber.join(fiber)
      expect([...urls]).toEqual(["http://gateway/unprotected", "http://gateway/protected"])
    })
  )

  it.effect("tells the answers of the provider, of the fallback, and errors apart", () =>
    Effect.gen(function* () {
      let calls = 0
      const { fiber, ledgers } = yield* dayWith({
        unprotected: () => Effect.sync(() => respond(calls++ % 2 === 0 ? 200 : 502)),
        protected: () => Effect.sync(() => respond(200, calls % 2 === 0 ? "provider" : "fallback"))
      })
      yield* TestClock.adjust(900)
      yield* Fiber.join(fiber)
      expect(ledgers.unprotected.endings).toMatchObject({ answered: 5, fallback: 0, failed: 5 })
      expect(ledgers.protected.endings).toMatchObject({ answered: 5, fallback: 5, failed: 0 })
    })
  )

  it.effect("counts broken connections as failed", () =>
    Effect.gen(function* () {
      const { fiber, ledgers } = yield* dayWith({ unprotected: broken, protected: broken })
      yield* TestClock.adjust(900)
      yield* Fiber.join(fiber)
      expect(ledgers.unprotected.endings.failed).toBe(10)
    })
  )

  it.effect("gives up after three seconds, and keeps sending until then", () =>
    Effect.gen(function* () {
      const { fiber, ledgers } = yield* dayWith({ unprotected: () => Effect.never, protected: () => Effect.never })
      yield* TestClock.adjust(2999)
      expect(ledgers.unprotected.calls).toBe(10)
      expect(failed(ledgers.unprotected.endings)).toBe(0)
      yield* TestClock.adjust(901)
      yield* Fiber.join(fiber)
      expect(ledgers.unprotected.endings).toMatchObject({ failed: 10, "cut off": 0 })
      expect(waits(ledgers.unprotected)).toEqual({ p50Millis: 3000, p99Millis: 3000 })
    })
  )

  it.effect("measures from the moment a call was due", () =>
    Effect.gen(function* () {
      const slow: Answer = () => Effect.delay(Effect.succeed(respond(200)), Duration.millis(120))
      const { fiber, ledgers } = yield* dayWith({ unprotected: slow, protected: slow })
      yield* TestClock.adjust(1020)
      yield* Fiber.join(fiber)
      expect(waits(ledgers.protected)).toEqual({ p50Millis: 120, p99Millis: 120 })
    })
  )

  it.effect("accounts for every call that it was interrupted in", () =>
    Effect.gen(function* () {
      const { fiber, ledgers } = yield* dayWith({
        unprotected: () => Effect.never,
        protected: () => Effect.succeed(respond(200, "fallback"))
      })
      yield* TestClock.adjust(350)
      yield* Fiber.interrupt(fiber)
      expect(ledgers.unprotected).toMatchObject({ calls: 4, endings: { "cut off": 4 } })
      expect(succeeded(ledgers.protected.endings)).toBe(4)
    })
  )
})
