import { Redacted } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { type Dice, property } from "../support/property.ts"
import { hostile, json, objectOf, slip, text } from "../support/texts.ts"
import { start, token } from "./support/inProcess.ts"

const api = start()
afterAll(() => api.dispose())

const secret = Redacted.value(token)
const right = { authorization: `Bearer ${secret}`, "content-type": "application/json" }

/** What a client may send: the class refuses other names and values of headers before a server could. */
const sendable = (value: string): string => value.replaceAll(/[^\t -~]/g, "")

/** Without halves of characters, which cannot be encoded. */
const wellFormed = (written: string): string => written.replaceAll(/\p{Surrogate}/gu, "\uFFFD")

const segment = (dice: Dice): string => {
  const written = dice.oneOf(
    () =>
      dice.pick([
        "status",
        "explain",
        "events",
        "commands",
        "openapi.json",
        "llm",
        "payment-api",
        "resilience",
        ":service"
      ]),
    () => text(dice).slice(0, 300)
  )
  return dice.oneOf(
    () => written,
    () => encodeURIComponent(wellFormed(written)),
    () => dice.pick(["%", "%2", "%2e%2e", "..", ".", "", "%00", "%2F", "%ff", "%E0%A4%A", "*"])
  )
}

const pathOf = (dice: Dice): string => {
  const segments = dice.oneOf(
    () => [dice.pick(["status", "explain"]), segment(dice)],
    () => dice.many(4, () => segment(dice))
  )
  const path = ["/resilience", ...segments].join("/")
  const query = dice.many(2, () => `${dice.pick(["replay", "x", "__proto__", "service"])}=${segment(dice)}`).join("&")
  return encodeURI(wellFormed(`${path}${query === "" ? "" : `?${query}`}`)).replaceAll("%25", "%")
}

const bodyOf = (dice: Dice): string => {
  const command = objectOf([
    ["service", dice.pick(["llm", "payment-api", "nobody", "__proto__", 1])],
    ["pattern", dice.pick(["circuit-breaker", "retry", "bulkhead", "constructor"])],
    ["command", dice.pick(["isolate", "set", "resize", "reset", "toString"])],
    ...dice.many(2, (): readonly [string, unknown] => [
      dice.pick(["parameters", "by", "service", "__proto__", "more"]),
      json(dice, 2)
    ])
  ])
  return dice.oneOf(
    () => JSON.stringify(command),
    () => JSON.stringify(command),
    () => JSON.stringify(json(dice)),
    () => slip(dice, JSON.stringify(command)),
    () => "[".repeat(dice.integer(1, 20_000)),
    () => '{"a":'.repeat(dice.integer(1, 10_000)),
    () => " ".repeat(dice.integer(60_000, 70_000)),
    () => text(dice)
  )
}

const headersOf = (dice: Dice): Record<string, string> => {
  const authorization = dice.oneOf(
    () => right.authorization,
    () => slip(dice, right.authorization),
    () => `Basic ${secret}`,
    () => text(dice)
  )
  const names = ["authorization", "content-type", "host", "origin", "x-forwarded-for", "cookie"]
  return {
    ...(dice.isLucky(0.7) && right),
    ...(dice.isLucky(0.3) && { authorization: sendable(authorization) }),
    ...Object.fromEntries(
      dice.many(1, () => [
        dice.pick(names),
        sendable(
          dice.oneOf(
            () => text(dice),
            () => dice.pick(["null", "0", "localhost", "evil.example", "text/html"])
          )
        )
      ])
    )
  }
}

const TAGS = [
  "NotFound",
  "BadCommand",
  "BadRequest",
  "Unauthorized",
  "Forbidden",
  "MethodNotAllowed",
  "TooLarge",
  "UnsupportedMediaType",
  "TooManyReaders"
]

describe("whatever is asked", () => {
  property(
    "is answered, in the form that is described, and tells and makes nothing that it should not",
    (dice) => {
      const method = dice.pick([
        "GET",
        "GET",
        "GET",
        "POST",
        "POST",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "HEAD",
        "PROPFIND"
      ])
      const isCommand = method === "POST" && dice.isLucky(0.8)
      return {
        path: isCommand ? "/resilience/commands" : pathOf(dice),
        init: {
          method,
          headers: headersOf(dice),
          ...(method === "GET" || method === "HEAD" ? {} : { body: bodyOf(dice) })
        }
      }
    },
    async ({ init, path }) => {
      const before = api.instances()
      const response = await api.ask(path, init)
      const isStream = response.headers.get("content-type") === "text/event-stream"
      const told = isStream ? "" : await response.text()
      if (isStream) await response.body?.cancel()
      expect(response.status).toBeLessThan(500)
      expect(told).not.toContain(secret)
      expect(api.instances()).toEqual(before)
      // Effect's router itself refuses a path that nobody can decode.
      const isOurs = response.headers.get("cache-control") === "no-store"
      expect(isOurs || (response.status === 404 && told === "")).toBe(true)
      if (isOurs && response.status >= 400 && init.method !== "HEAD") {
        const { _tag, problem } = JSON.parse(told)
        expect(TAGS).toContain(_tag)
        expect(problem).toBeTypeOf("string")
        expect(problem).not.toMatch(/TypeError|RangeError|SyntaxError|\n {4}at /)
      }
      expect(Object.keys(Object.prototype)).toEqual([])
    },
    { runs: 1_000 }
  )

  property(
    "with another token, nothing is done",
    (dice) => {
      const wrong = dice.oneOf(
        () => secret.slice(0, dice.integer(0, secret.length - 1)),
        () => secret + dice.pick(["x", "\0", " x", secret]),
        () => secret.toUpperCase(),
        () => secret.replace("e", "е"),
        () => "x".repeat(dice.integer(1, 60_000)),
        () => slip(dice, secret),
        () => dice.pick(hostile)
      )
      return { wrong, scheme: dice.pick(["Bearer", "bearer", "BEARER", "Token", "Basic", ""]) }
    },
    async ({ scheme, wrong }) => {
      const authorization = sendable(`${scheme} ${wrong}`)
      if (authorization.toLowerCase().startsWith("bearer") && authorization.slice(6).trim() === secret) return
      const body = JSON.stringify({ service: "llm", pattern: "circuit-breaker", command: "isolate" })
      const response = await api.ask("/resilience/commands", {
        method: "POST",
        headers: { ...right, authorization },
        body
      })
      expect(response.status).toBe(401)
      expect(await response.text()).not.toContain(secret)
    },
    { runs: 500 }
  )
})

describe("readers of events", () => {
  it("are as many as may, of ten thousand who try, and the places are given back", async () => {
    const { ask, dispose } = start({ maxEventReaders: 50 })
    for (const tries of [10_000, 100]) {
      const responses = await Promise.all(Array.from({ length: tries }, () => ask("/resilience/events")))
      const open = responses.filter(({ status }) => status === 200)
      expect(open).toHaveLength(50)
      expect(responses.filter(({ status }) => status === 503)).toHaveLength(tries - 50)
      await Promise.all(open.map(({ body }) => body?.cancel()))
      // What was cancelled ends in its own fiber.
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await dispose()
  }, 60_000)

  it("do not include those who only ask for the head", async () => {
    const { ask, dispose } = start({ maxEventReaders: 1 })
    for (let round = 0; round < 3; round++) {
      expect((await ask("/resilience/events", { method: "HEAD" })).status).toBe(200)
    }
    await dispose()
  })
})

describe("a path that a proxy may not know", () => {
  it.each([
    "//resilience/status",
    "/Resilience/status",
    "/RESILIENCE/status",
    "/%72esilience/status",
    "/resilience//status",
    "//resilience//commands",
    "/resilienc%65/status"
  ])("%s leads nowhere", async (path) => {
    const response = await api.ask(path)
    expect(response.status).toBe(404)
    expect(await response.text()).not.toContain("llm")
  })

  it("is not one with a query, or a slash at its end", async () => {
    for (const path of ["/resilience/status/", "/resilience/status?x=//", "/resilience/status/llm?"]) {
      expect((await api.ask(path)).status, path).toBe(200)
    }
  })
})
