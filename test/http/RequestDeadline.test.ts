import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { RequestDeadline } from "../../src/http/index.ts"
import { Deadline } from "../../src/index.ts"

/** The milliseconds that a handler has, for a request with the headers. */
const granted = (headers: Record<string, string>, options?: RequestDeadline.Options) =>
  Deadline.remaining.pipe(
    Effect.map((left) => Option.getOrUndefined(Option.map(left, Duration.toMillis))),
    Effect.map((millis) => HttpServerResponse.text(String(millis))),
    RequestDeadline.middleware(options),
    Effect.map(({ body }) => (body._tag === "Uint8Array" ? body.text : undefined)),
    Effect.catchTag("TimeoutExceededError", ({ isStarted }) => Effect.succeed(isStarted ? "too late" : "not started")),
    Effect.provideService(
      HttpServerRequest.HttpServerRequest,
      HttpServerRequest.fromWeb(new Request("http://localhost/", { headers }))
    )
  )

describe("RequestDeadline", () => {
  it.effect("a handler has the time that the request names", () =>
    Effect.gen(function* () {
      expect(yield* granted({ "x-request-timeout-ms": "1500" })).toBe("1500")
      expect(yield* granted({ "X-Deadline": "1500" }, { header: "X-DEADLINE" })).toBe("1500")
    })
  )

  it.effect("without the header there is no limit but the maximum", () =>
    Effect.gen(function* () {
      expect(yield* granted({})).toBe("undefined")
      expect(yield* granted({}, { maximum: "3 seconds" })).toBe("3000")
    })
  )

  it.effect("nobody gets more than the maximum", () =>
    Effect.gen(function* () {
      expect(yield* granted({ "x-request-timeout-ms": "999999999" }, { maximum: "3 seconds" })).toBe("3000")
      expect(yield* granted({ "x-request-timeout-ms": "1000" }, { maximum: "3 seconds" })).toBe("1000")
    })
  )

  it.effect.each(["", "soon", "-1", "1.5", "1e3", "0x10", "Infinity", "NaN", "12, 13", "9".repeat(30)])(
    "%s is no time",
    (value) =>
      Effect.gen(function* () {
        expect(yield* granted({ "x-request-timeout-ms": value })).toBe("undefined")
        expect(yield* granted({ "x-request-timeout-ms": value }, { maximum: "3 seconds" })).toBe("3000")
      })
  )

  it.effect("when no time is left, the handler does not start", () =>
    Effect.gen(function* () {
      expect(yield* granted({ "x-request-timeout-ms": "0" })).toBe("not started")
    })
  )

  it.effect("ends a handler that takes too long", () =>
    Effect.gen(function* () {
      const request = HttpServerRequest.fromWeb(
        new Request("http://localhost/", { headers: { "x-request-timeout-ms": "20" } })
      )
      const fiber = yield* Effect.never.pipe(
        RequestDeadline.middleware(),
        Effect.flip,
        Effect.provideService(HttpServerRequest.HttpServerRequest, request),
        Effect.forkChild
      )
      yield* TestClock.adjust("20 millis")
      expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "TimeoutExceededError", isStarted: true })
    })
  )

  it("a maximum that gives no time is a mistake of the program", () => {
    for (const maximum of [0, -1, NaN]) {
      expect(() => RequestDeadline.middleware({ maximum })).toThrow("maximum: expected a positive duration")
    }
  })
})
