import { Duration, Exit } from "effect"
import { describe, expect } from "vitest"
import { Classifier, Outcome, ResilienceError } from "../../src/index.ts"
import * as RedisFailures from "../../src/redis/internal/failures.ts"
import * as SqlFailures from "../../src/sql/internal/failures.ts"
import { anyError } from "../support/errors.ts"
import { property } from "../support/property.ts"

const NOW = 1_800_000_000_000
const kinds = ["retryable", "not-retryable", "overloaded", "rate-limited"]

describe("whatever the error is", () => {
  property(
    "it has a class, and a hint that is a time to come",
    anyError,
    (error) => {
      const { kind, retryAfter } = Classifier.classify(error, NOW)
      expect(kinds).toContain(kind)
      if (retryAfter !== undefined) expect(Duration.toMillis(retryAfter)).toBeGreaterThan(0)
      expect(Classifier.classify(error, NOW)).toEqual(Classifier.classify(error, NOW))
    },
    { runs: 2_500 }
  )

  property(
    "its labels are texts",
    anyError,
    (error) => {
      expect(ResilienceError.labelOf(error)).toBeTypeOf("string")
      for (const [name, label] of Object.entries(Classifier.traitLabels(error, NOW))) {
        expect(label, name).toBeTypeOf("string")
      }
    },
    { runs: 2_500 }
  )

  property(
    "the policies and adapters judge a call that ends with it",
    anyError,
    (error) => {
      const exit = Exit.fail(error)
      for (const judge of [Outcome.classify, RedisFailures.judge, SqlFailures.judge]) {
        expect(["Success", "Failure", "Ignored"]).toContain(judge(exit)._tag)
      }
      const redis = Object.assign(Object(error), { _tag: "RedisError" })
      for (const isRepeatable of [true, false]) {
        expect([...kinds, undefined]).toContain(RedisFailures.classify(isRepeatable)(redis)?.kind)
      }
    },
    { runs: 1_500 }
  )
})
