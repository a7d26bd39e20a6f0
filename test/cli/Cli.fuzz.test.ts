import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { type Dice, property } from "../support/property.ts"
import { hostile, json, objectOf, SECRET, slip, text } from "../support/texts.ts"
import { command, type Ran, run } from "./support/inProcess.ts"
import type { Api } from "../../src/admin/index.ts"
import { colored, plain } from "../../src/cli/internal/paint.ts"
import { details, overview } from "../../src/cli/internal/statusTable.ts"

const ENDS = ["success", "finding", "usage", "unreachable", "refused"]

/** Nothing that a terminal would obey. */
const isTame = (output: string): boolean => !/[^\P{Cc}\n]|\p{Bidi_Control}/u.test(output)

const word = (dice: Dice): string =>
  dice.oneOf(
    () => dice.pick(["status", "watch", "events", "reset", "trip", "isolate", "release", "set", "explain", "lint"]),
    () =>
      dice.pick(["config", "check", "llm", "--json", "--check", "--follow", "--by", "--for", "--reason", "--every"]),
    () => dice.pick(["--url", "--help", "--version", "--completions", "bulkhead.limit", "20", "1 millis", "--", "-"]),
    () => slip(dice, dice.pick(["status", "--json", "--url=http://127.0.0.1:1", "--by=alice"])),
    () => text(dice).slice(0, 500)
  )

describe("whatever is written on the command line", () => {
  property(
    "is done, or a line says what is wrong",
    (dice) => ({ args: dice.many(6, () => word(dice)), token: dice.isLucky(0.3) }),
    async ({ args, token }) => {
      const { end, output } = await run([...(token ? ["--token", SECRET] : []), ...args])
      expect(ENDS, output).toContain(end)
      expect(output).not.toContain(SECRET)
      expect(output.includes("\u001B"), output).toBe(false)
    },
    { runs: 300 }
  )

  property(
    "an address that is none, or has a secret in it, is refused and not shown",
    (dice) =>
      dice.pick([
        `http://joe:${SECRET}@127.0.0.1:1`,
        `http://${SECRET}@127.0.0.1:1`,
        `http://127.0.0.1:1/?token=${SECRET}`,
        `http://127.0.0.1:1/#${SECRET}`,
        `ftp://${SECRET}`,
        `http://[${SECRET}`,
        `joe:${SECRET}@host`,
        `http://127.0.0.1:${SECRET}`,
        `http://${dice.pick(hostile)} ${SECRET}`,
        `\u001B[2J${SECRET}`
      ]),
    async (url) => {
      for (const [args, env] of [
        [["status", "--url", url], {}],
        [["status"], { RESILIENCE_ADMIN_URL: url }],
        [["events", "--follow", "--json"], { RESILIENCE_ADMIN_URL: url }]
      ] as const) {
        const { end, output } = await run(args, env)
        expect(end).toBe("usage")
        expect(output).toContain("expected an address")
        expect(output).not.toContain(SECRET)
      }
    },
    { runs: 60 }
  )

  property(
    "a token is not shown, whether or not it can be sent",
    (dice) =>
      dice.pick([SECRET, `${SECRET}\n`, `a\n${SECRET}`, `${SECRET}é→`, `\0${SECRET}`, `${SECRET} `, `🔥${SECRET}`]),
    async (token) => {
      const real = (...[input, init]: Parameters<typeof fetch>) => {
        void new Request(input, init)
        return Promise.reject(new Error(`connect ECONNREFUSED`))
      }
      const { end, output } = await run(["status"], { RESILIENCE_ADMIN_TOKEN: token }, real)
      expect(end).toBe(/^[ -~]*$/.test(token) ? "unreachable" : "usage")
      expect(output).not.toContain(SECRET)
    },
    { runs: 50 }
  )

  property(
    "a file of variables is read, or a line says why not",
    (dice) => {
      const name = () =>
        dice.oneOf(
          () => dice.pick(["TIMEOUT_LLM", "RETRY_MAX_ATTEMPTS", "RETRY_X"]),
          () => text(dice)
        )
      const lines = dice.many(
        4,
        () => `${dice.pick(["", "export ", "#"])}${name()}=${dice.pick(["", '"', "'"])}${text(dice)}`
      )
      return {
        lines: [...lines, `TIMEOUT_TOKEN=${SECRET}`].join("\n"),
        command: dice.pick(["config check", "lint", "explain llm"])
      }
    },
    async ({ command, lines }) => {
      const { end, output } = await run([...command.split(" "), "--file", "x.env"], {}, undefined, lines)
      expect(ENDS, output).toContain(end)
      expect(isTame(output), output).toBe(true)
      expect(output).not.toContain(SECRET)
    },
    { runs: 60 }
  )

  it("the longest address takes no time", async () => {
    for (const url of [`http://${"/".repeat(100_000)}x`, `http://x${"/".repeat(100_000)}`]) {
      expect((await run(["status", "--url", url])).end).toBe("unreachable")
    }
  }, 2_000)
})

const snapshotOf = (dice: Dice): Api.Status["snapshot"] =>
  Object.fromEntries(
    dice.many(5, () => [
      dice.pick(["state", "mode", "retryAfter", "isolations", "limit", "active", "rejections", "retries", "queued"]),
      dice.oneOf(
        () => dice.pick<unknown>(["Open", "Closed", "Isolated", "constructor", "__proto__", null, 5, -1, 1e308]),
        () => json(dice, 2),
        () => [null, 5, { by: json(dice, 1), reason: json(dice, 1), remaining: json(dice, 0) }],
        () => ({ toString: 1, valueOf: 1 })
      )
    ])
  ) as Api.Status["snapshot"]

const statusOf = (dice: Dice): Api.Status => ({
  service: dice.oneOf(
    () => "llm",
    () => text(dice)
  ),
  pattern: dice.oneOf(
    () => dice.pick(["circuit-breaker", "bulkhead", "retry"]),
    () => text(dice)
  ),
  description: text(dice),
  snapshot: snapshotOf(dice)
})

const eventOf = (dice: Dice): object => ({
  tag: text(dice),
  pattern: text(dice),
  service: dice.oneOf(
    () => "llm",
    () => text(dice)
  ),
  severity: dice.pick(["Debug", "Info", "Warn", "Error"]),
  at: dice.pick([0, 1.5, -1, 8.64e15, 8.65e15, 1e300, -1e300]),
  attributes: objectOf(
    dice.many(3, () => [
      text(dice),
      dice.oneOf<unknown>(
        () => text(dice),
        () => 1e308
      )
    ])
  )
})

const stream = (events: ReadonlyArray<object>): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(":\n\n")

const commandOf = (dice: Dice): object => ({
  pattern: dice.pick(["bulkhead", "retry", "x"]),
  name: dice.pick(["resize", "set"]),
  description: "",
  parameters: objectOf([
    [
      "properties",
      dice.oneOf<unknown>(
        () => ({ limit: {} }),
        () => json(dice, 1)
      )
    ],
    [
      "required",
      dice.oneOf<unknown>(
        () => ["limit"],
        () => json(dice, 1)
      )
    ]
  ])
})

const bodies: Readonly<Record<string, (dice: Dice) => string>> = {
  status: (dice) => JSON.stringify(dice.many(3, () => statusOf(dice))),
  explain: (dice) =>
    JSON.stringify({
      text: text(dice),
      findings: dice.many(2, () => ({ rule: text(dice), severity: "error", problem: text(dice) }))
    }),
  events: (dice) => stream(dice.many(4, () => eventOf(dice))),
  commands: (dice) => JSON.stringify(dice.many(3, () => commandOf(dice)))
}

/** A server that has lost its mind; what it answers to a request is the same each time. */
const serverOf = (dice: Dice): typeof fetch => {
  const made = Object.fromEntries(
    Object.entries(bodies).map(([name, body]) => {
      const right = body(dice)
      return [
        name,
        dice.oneOf(
          () => right,
          () => right,
          () => slip(dice, right),
          () => JSON.stringify(json(dice)),
          () => text(dice)
        )
      ]
    })
  )
  const refusal = JSON.stringify({ _tag: dice.pick(["NotFound", "BadRequest", "Forbidden", "x"]), problem: text(dice) })
  const isRefusing = dice.isLucky(0.2)
  const status = isRefusing ? dice.pick([400, 401, 403, 404, 405, 413, 500, 503]) : 200
  const requests = new Map<string, number>()
  return (input) => {
    const url = String(input instanceof Request ? input.url : input)
    const name = /\/resilience\/(\w+)/.exec(url)?.[1] ?? ""
    const count = (requests.get(name) ?? 0) + 1
    requests.set(name, count)
    if (count > 3) return Promise.reject(new TypeError(`fetch failed`))
    const type = name === "events" ? "text/event-stream" : "application/json"
    return Promise.resolve(
      new Response(isRefusing ? refusal : made[name], { status, headers: { "content-type": type } })
    )
  }
}

const COMMANDS: ReadonlyArray<ReadonlyArray<string>> = [
  ["status"],
  ["status", "--check"],
  ["status", "llm"],
  ["status", "--json"],
  ["watch", "--every", "1 millis"],
  ["events"],
  ["events", "llm"],
  ["events", "--follow"],
  ["explain", "llm"],
  ["lint"],
  ["lint", "llm"],
  ["reset", "llm"],
  ["isolate", "llm", "--for", "x", "--reason", "y"],
  ["set", "llm", "bulkhead.limit", "5"],
  ["set", "llm", "retry.maxAttempts", "5"]
]

/** Runs a command to its end, or until it has said that it waits for the application to come back. */
const untilGone = (args: ReadonlyArray<string>, fetch: typeof globalThis.fetch): Promise<Ran> => {
  const lines: Array<string> = []
  const isWaiting = Effect.sync(() => lines.some((line) => line.includes("not reachable since")))
  const waiting = Effect.map(
    Effect.repeat(Effect.delay(isWaiting, "5 millis"), { until: (found) => found }),
    (): Ran => ({ output: lines.join("\n"), end: "success" })
  )
  const env = { RESILIENCE_ADMIN_TOKEN: SECRET, USER: "alice" }
  return Effect.runPromise(Effect.raceFirst(command(args, { env, fetch, lines }), waiting))
}

describe("whatever a server answers", () => {
  property(
    "about a service has a row and details",
    (dice) => dice.many(3, () => ({ ...statusOf(dice), pattern: dice.pick(["circuit-breaker", "bulkhead", "retry"]) })),
    (all) => {
      for (const paint of [colored, plain]) {
        for (const show of [overview, details]) {
          for (const line of show(all, paint)) expect(isTame(line.replaceAll(/\p{Cc}\[\d+m/gu, "")), line).toBe(true)
        }
      }
    },
    { runs: 2_000 }
  )

  property(
    "is shown, tamed, or a line says that it makes no sense",
    (dice) => ({ args: dice.pick(COMMANDS), server: serverOf(dice) }),
    async ({ args, server }) => {
      const { end, output } = await untilGone([...args, "--url", "127.0.0.1:9"], server)
      expect(ENDS, output).toContain(end)
      expect(args.includes("--json") || isTame(output), output).toBe(true)
      expect(output).not.toContain(SECRET)
    },
    { runs: 300 }
  )

  property(
    "a row of a table is a service, and no text of an operator can look like one",
    (dice) => [
      {
        service: "llm",
        pattern: "circuit-breaker",
        description: "",
        snapshot: { state: "Isolated", mode: "enforce", isolations: [{ by: text(dice), reason: `x\nfake  ● closed` }] }
      }
    ],
    async (status) => {
      const answer = () => Promise.resolve(Response.json(status))
      const { output } = await run(["status"], {}, answer)
      expect(output.split("\n")).toHaveLength(2)
    },
    { runs: 30 }
  )

  property(
    "events are the same, wherever their stream is cut into parts",
    (dice) => {
      const bytes = new TextEncoder().encode(stream(dice.many(3, () => eventOf(dice))).replaceAll("\uD800", "x"))
      return { bytes, cuts: dice.many(12, () => dice.integer(0, bytes.length)).toSorted((a, b) => a - b) }
    },
    async ({ bytes, cuts }) => {
      const answer = (parts: ReadonlyArray<Uint8Array>) => () => {
        const body = new ReadableStream({
          start: (controller) => {
            for (const part of parts) if (part.length > 0) controller.enqueue(part)
            controller.close()
          }
        })
        return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }))
      }
      const whole = await run(["events", "--json"], {}, answer([bytes]))
      const parts = [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length))
      expect(await run(["events", "--json"], {}, answer(parts))).toEqual(whole)
      const single = Array.from(bytes.subarray(0, 600), (byte) => Uint8Array.of(byte))
      expect(await run(["events", "--json"], {}, answer([...single, bytes.subarray(600)]))).toEqual(whole)
    },
    { runs: 30 }
  )
})
