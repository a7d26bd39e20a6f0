import { Duration, Effect, Option } from "effect"
import { Headers, HttpServerRequest, HttpServerResponse } from "effect/http"
import { describe, expect } from "vitest"
import { RequestDeadline } from "../../src/http/index.ts"
import { Deadline } from "../../src/index.ts"
import { property } from "../support/property.ts"
import { slip, text } from "../support/texts.ts"

const REQUEST = HttpServerRequest.fromWeb(new Request("http://localhost/"))

/** The milliseconds that a handler has. */
const granted = (header: string, maximum: Duration.Input) =>
  Deadline.remaining.pipe(
    Effect.map((left) => HttpServerResponse.text(String(Option.getOrUndefined(Option.map(left, Duration.toMillis))))),
    RequestDeadline.middleware({ maximum }),
    Effect.map(({ body }) => (body._tag === "Uint8Array" ? Number(body.text) : undefined)),
    Effect.catchTag("TimeoutExceededError", () => Effect.succeed(0)),
    Effect.provideService(
      HttpServerRequest.HttpServerRequest,
      REQUEST.modify({ headers: Headers.fromInput({ "x-request-timeout-ms": header }) })
    ),
    Effect.runPromise
  )

describe("whatever the header says", () => {
  property(
    "the request is answered, in no more time than the maximum",
    (dice) =>
      dice.oneOf(
        () => text(dice),
        () => slip(dice, "1500"),
        () => slip(dice, "0")
      ),
    async (header) => {
      expect(await granted(header, "1 minute")).toSatisfy((millis) => Number(millis) >= 0 && Number(millis) <= 60_000)
    },
    { runs: 500 }
  )

  property(
    "what is no whole number of milliseconds is no limit",
    (dice) => {
      const millis = dice.integer(1_000, 50_000)
      return dice.pick([
        `${millis}.5`,
        `-${millis}`,
        `+${millis}`,
        `${millis}ms`,
        `0x${millis}`,
        `${millis}e1`,
        `٣${millis}`
      ])
    },
    async (header) => {
      expect(await granted(header, Duration.infinity)).toBeNaN()
    },
    { runs: 100 }
  )
})
