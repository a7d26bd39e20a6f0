import { Effect, Schema } from "effect"
import { describe, expect } from "vitest"
import { ErrorResponse } from "../../src/http/index.ts"
import { anyError } from "../support/errors.ts"
import { property } from "../support/property.ts"

describe("whatever a request fails with", () => {
  property(
    "is answered with the status of an error, and a body in the form that is promised",
    anyError,
    async (error) => {
      const { body, headers, status } = await Effect.runPromise(ErrorResponse.fromError(error))
      expect(status >= 400 && status <= 599, String(status)).toBe(true)
      const text = body._tag === "Uint8Array" ? (body.text ?? "") : ""
      const { error: told } = Schema.decodeUnknownSync(ErrorResponse.Body)(JSON.parse(text))
      expect(headers["retry-after"]).toBe(told.retry_after === undefined ? undefined : String(told.retry_after))
    },
    { runs: 1_000 }
  )
})
