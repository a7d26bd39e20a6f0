/**
 * Errors of any shape: what others throw, and what others send that somebody fails with.
 */
import { Duration } from "effect"
import type { Dice } from "./property.ts"
import { hostile, json, objectOf, text } from "./texts.ts"

const NAMES = [
  "_tag",
  "name",
  "message",
  "code",
  "status",
  "statusCode",
  "httpStatus",
  "errorCode",
  "category",
  "retryPolicy",
  "needsHint",
  "isRetryable",
  "retryAfter",
  "userMessage",
  "constructor",
  "__proto__",
  "toString",
  "body",
  "metadata"
]
const VALUES = [
  "RateLimitExceeded",
  "SchemaError",
  "CircuitOpen",
  "always",
  "never",
  "conditional",
  "rate_limit",
  "ECONNRESET",
  "UND_ERR_SOCKET",
  429,
  500,
  529,
  99,
  true,
  false,
  Number.NaN,
  -1,
  Infinity,
  { name: 5 },
  Duration.seconds(5),
  Duration.infinity
]

const headers = (dice: Dice): unknown => {
  const value = dice.oneOf(
    () => text(dice),
    () => "5",
    () => "Sun, 06 Nov 2094 08:49:37 GMT"
  )
  return dice.oneOf<unknown>(
    () => ({ "retry-after": value }),
    () => new Map([["retry-after", value]]),
    () => ({ "retry-after": [value] }),
    () => ({ get: "not a function" }),
    () => ["retry-after", value],
    () => json(dice, 1)
  )
}

/** Any error, with others inside of it. */
export const anyError = (dice: Dice, depth = 3): unknown => {
  if (depth === 0 || dice.isLucky(0.15))
    return dice.oneOf<unknown>(
      () => json(dice, 2),
      () => undefined,
      () => 1n
    )
  const inner = () => anyError(dice, depth - 1)
  const fields = dice.many(5, (): readonly [string, unknown] => [
    dice.pick(NAMES),
    dice.oneOf<unknown>(
      () => dice.pick(VALUES),
      () => dice.pick(VALUES),
      () => json(dice, 1)
    )
  ])
  const inside = dice.many(2, (): readonly [string, unknown] => [
    dice.pick(["cause", "reason", "response", "http", "headers"]),
    dice.oneOf(inner, inner, () => headers(dice))
  ])
  const plain = objectOf([...fields, ...inside])
  return dice.oneOf<unknown>(
    () => plain,
    () => Object.defineProperties(new Error(dice.pick(hostile)), Object.getOwnPropertyDescriptors(plain)),
    () =>
      Object.assign(Object.create(null) as object, Object.fromEntries(fields.filter(([name]) => name !== "__proto__"))),
    () => {
      const endless: Record<string, unknown> = { code: 5 }
      endless["cause"] = endless
      return endless
    }
  )
}
