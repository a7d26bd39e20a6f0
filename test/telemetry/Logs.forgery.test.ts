import { describe, expect, it } from "@effect/vitest"
import { Console, Effect, Layer, Logger } from "effect"
import { Resilience } from "../../src/index.ts"
import { Logs } from "../../src/telemetry/index.ts"

const service = "llm\n[12:34:56] ERROR: forged by the service"

/** What a logger writes about a command of an operator who wants to write more than one line. */
const written = (logger: Logger.Logger<unknown, unknown>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const write = (...values: ReadonlyArray<unknown>): void => void lines.push(values.map(String).join(" "))
    const parts = { log: write, info: write, warn: write, error: write, group: write, groupCollapsed: write }
    const target: Console.Console = Object.assign(Object.create(console), parts)
    yield* Resilience.command({
      service,
      pattern: "circuit-breaker",
      command: "isolate",
      by: "eve\n[12:34:56] ERROR: forged \u001B[31m",
      parameters: { reason: "x\r\nforged \u009B31m" }
    }).pipe(
      Effect.provide(
        Layer.merge(Logs.layer({ colors: false }), Logger.layer([logger])).pipe(
          Layer.provideMerge(Resilience.layer({ services: { [service]: {} } }))
        )
      ),
      Effect.provideService(Console.Console, target)
    )
    return lines.join("\n")
  })

describe("the log", () => {
  it.effect.each([
    ["for people", Logger.consolePretty({ colors: false })],
    ["as logfmt", Logger.consoleLogFmt],
    ["as JSON", Logger.consoleJson]
  ] as const)("%s has no line, and no colour, that an operator or a name has made", ([, logger]) =>
    Effect.gen(function* () {
      const text = yield* written(logger)
      expect(text).toContain("forged")
      expect(text).not.toMatch(/^\W*(?:\[12|forged)/m)
      expect(text).not.toMatch(/[^\P{Cc}\n]/u)
      expect(text).not.toMatch(/\\[nr]|\\u00/)
    })
  )
})
