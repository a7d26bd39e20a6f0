import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { PassThrough } from "node:stream"
import { slotCount, type Frame } from "../../examples/demo/screen.ts"
import { planDay } from "../../examples/demo/script-of-the-day.ts"
import { bySide, makeLedger } from "../../examples/demo/statistics.ts"
import * as Terminal from "../../examples/demo/terminal.ts"

const frameAt = (elapsedMillis: number): Frame => ({
  elapsedMillis,
  dayMillis: 20_000,
  plan: planDay(20_000),
  gatewayUrl: "http://127.0.0.1:1",
  ledgers: bySide(() => makeLedger(20_000, slotCount)),
  upstreamCalls: bySide(() => ({ total: 0, inVain: 0 })),
  breaker: { state: "Closed", retryAfterMillis: 0 },
  bulkhead: { active: 0, limit: 32, queued: 0 },
  retries: 0,
  rejections: 0,
  openings: 0
})

const frame = Effect.clockWith((clock) => Effect.succeed(frameAt(clock.currentTimeMillisUnsafe())))

const outputOf = (size: { isTTY?: boolean; columns?: number; rows?: number } = {}) =>
  Object.assign(new PassThrough(), { getColorDepth: () => 8 }, size)

/** Lets the time pass, and the stream report what was written, which it never does at once. */
const pass = Effect.fnUntraced(function* (millis: number) {
  for (let passed = 0; passed < millis; passed += 50) {
    yield* TestClock.adjust(50)
    yield* Effect.promise(() => new Promise(setImmediate))
  }
})

/** Shows frames for a while and returns all that was written. */
const showFor = (output: ReturnType<typeof outputOf>, ...steps: ReadonlyArray<number | (() => void)>) =>
  Effect.gen(function* () {
    const terminal = yield* Terminal.make(output)
    const fiber = yield* Effect.forkChild(terminal.show(frame))
    for (const step of steps) {
      if (typeof step === "number") yield* pass(step)
      else step()
    }
    yield* Fiber.interrupt(fiber)
    return String(output.read() ?? "")
  })

const tall = { isTTY: true, columns: 80, rows: 17 }
const csi = "\u001B["
const clearScreen = `${csi}H${csi}J`

beforeEach(() => {
  vi.stubEnv("TERM", "xterm-256color")
  for (const name of ["NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS"]) vi.stubEnv(name, undefined)
})

afterEach(() => void vi.unstubAllEnvs())

describe("without a terminal", () => {
  it.effect("the output has a header, a row per second, and no escape code", () =>
    Effect.gen(function* () {
      const lines = (yield* showFor(outputOf(), 3400)).trimEnd().split("\n")
      expect(lines).toHaveLength(5)
      expect(lines.slice(2).map((line) => line.trim().slice(0, 3))).toEqual(["1 s", "2 s", "3 s"])
      expect(lines.join("")).not.toContain("\u001B")
    })
  )

  it.effect("the last second is written when it is over", () =>
    Effect.gen(function* () {
      const output = outputOf()
      const late = Effect.map(frame, (frame) => ({ ...frame, elapsedMillis: frame.elapsedMillis + 90 }))
      const terminal = yield* Terminal.make(output)
      const fiber = yield* Effect.forkChild(terminal.show(late))
      yield* pass(950)
      yield* Fiber.interrupt(fiber)
      expect(String(output.read())).toContain(" 1 s healthy")
    })
  )
})

describe("in a terminal with room", () => {
  it.effect("the panel is drawn over itself, ten times a second and once more at the end", () =>
    Effect.gen(function* () {
      const text = yield* showFor(outputOf(tall), 500)
      expect(text.split("One day of an LLM provider")).toHaveLength(1 + 5 + 1)
      expect(text.split(`${csi}16A`)).toHaveLength(1 + 4 + 1)
      expect(text).not.toContain(clearScreen)
    })
  )

  it.effect("cursor and line wrap are as before when it is over", () =>
    Effect.gen(function* () {
      const text = yield* showFor(outputOf(tall), 200)
      expect(text).toContain(`${csi}?25l`)
      expect(text.endsWith(`${csi}?7h${csi}?25h`)).toBe(true)
    })
  )

  it.effect("another size of the terminal clears what the lines have become", () =>
    Effect.gen(function* () {
      const output = outputOf(tall)
      const text = yield* showFor(output, 200, () => Object.assign(output, { columns: 100 }), 200)
      expect(text.split(clearScreen)).toHaveLength(2)
    })
  )

  it.effect("a terminal that becomes too small gets rows, with their lines wrapped again", () =>
    Effect.gen(function* () {
      const output = outputOf(tall)
      const text = yield* showFor(output, 200, () => Object.assign(output, { rows: 10 }), 1000)
      expect(text.split("One day of an LLM provider")).toHaveLength(3)
      const [, wrapped = ""] = text.slice(text.lastIndexOf(`${csi}?7l`)).split(`${csi}?7h`)
      expect(wrapped).toContain(" 1 s healthy")
    })
  )
})

describe("in a terminal without room, or without escape codes", () => {
  it.effect("there are rows instead of the panel", () =>
    Effect.gen(function* () {
      const text = yield* showFor(outputOf({ ...tall, columns: 79 }), 1000)
      expect(text).toContain("1 s healthy")
      expect(text).not.toContain("One day")
    })
  )

  it.effect("a dumb one gets no escape code at all", () =>
    Effect.gen(function* () {
      vi.stubEnv("TERM", "dumb")
      const text = yield* showFor(Object.assign(outputOf(tall), { getColorDepth: () => 1 }), 1000)
      expect(text).toContain("1 s healthy")
      expect(text).not.toContain("\u001B")
    })
  )
})

describe("paint", () => {
  it.effect("colours the text of a terminal, and of nothing else", () =>
    Effect.gen(function* () {
      expect((yield* Terminal.make(outputOf({ isTTY: true }))).paint("red", "x")).toBe(`${csi}31mx${csi}39m`)
      expect((yield* Terminal.make(outputOf())).paint("red", "x")).toBe("x")
    })
  )
})

describe("an output that fails", () => {
  const fail = (code: string) =>
    Effect.gen(function* () {
      const output = outputOf()
      const terminal = yield* Terminal.make(output)
      const fiber = yield* Effect.forkChild(terminal.closed, { startImmediately: true })
      yield* terminal.write("fine")
      expect(fiber.pollUnsafe()).toBeUndefined()
      const error = Object.assign(new Error(code), { code })
      output.destroy(error)
      yield* Effect.promise(() => new Promise(setImmediate))
      return { error, fiber, terminal }
    })

  it.live("because its reader has gone is closed", () =>
    Effect.gen(function* () {
      const { fiber } = yield* fail("EPIPE")
      yield* Fiber.join(fiber)
    })
  )

  it.live("for another reason tells which", () =>
    Effect.gen(function* () {
      const { error, fiber } = yield* fail("ENOSPC")
      expect(yield* Effect.flip(Fiber.join(fiber))).toBe(error)
    })
  )

  it.live("takes whatever is written to it later", () =>
    Effect.gen(function* () {
      const { terminal } = yield* fail("EPIPE")
      yield* terminal.write("nobody reads this")
    })
  )
})
