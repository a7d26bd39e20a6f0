import { describe, expect, it } from "@effect/vitest"
import { Data, Effect, Layer, Logger, References } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Deadline, Fallback, Policy, Resilience, Retry, Timeout } from "../../src/index.ts"
import type { ConfigInput } from "../../src/resilience/ResilienceConfig.ts"
import { Logs } from "../../src/telemetry/index.ts"

class Down extends Data.TaggedError("Down") {}

const down = Effect.fail(new Down())

interface Line {
  readonly text: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** A log, and what writes into it. */
const makeLog = () => {
  const lines: Array<Line> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    lines.push({
      text: `${logLevel} ${[message].flat().join(" ")}`,
      annotations: fiber.getRef(References.CurrentLogAnnotations)
    })
  })
  const texts = () => lines.splice(0).map(({ text }) => text)
  return { lines, texts, layer: Logger.layer([logger]) }
}

const logging = (log: Layer.Layer<never>, config: ConfigInput = {}, options: Logs.OptionsInput = {}) =>
  Effect.provide(Layer.mergeAll(Logs.layer(options), log).pipe(Layer.provideMerge(Resilience.layer(config))))

const later = TestClock.adjust

describe("a line tells", () => {
  it.effect("of a command, by whom and why if that is known", () => {
    const log = makeLog()
    const trip = (more: object) =>
      Resilience.command({ service: "llm", pattern: "circuit-breaker", command: "trip", ...more })
    return Effect.gen(function* () {
      yield* trip({ by: "anne" })
      yield* trip({})
      yield* Resilience.command({
        service: "llm",
        pattern: "circuit-breaker",
        command: "isolate",
        by: "bob",
        parameters: { reason: "a test" }
      })
      expect(log.texts().filter((text) => !text.includes("->"))).toEqual([
        "Warn llm: trip by anne",
        "Warn llm: trip by an operator",
        "Warn llm: isolate by bob: a test"
      ])
    }).pipe(logging(log.layer, { services: { llm: {} } }))
  })

  it.effect("of a call that is turned away, at once or after a wait", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({
        service: "llm",
        maxConcurrent: 1,
        maxQueue: 1,
        queueTimeout: "1 second"
      })
      for (let call = 0; call < 3; call++) yield* Effect.forkChild(Effect.exit(bulkhead.execute(Effect.never)))
      yield* later("1 second")
      expect(log.texts()).toEqual([
        "Warn llm: call rejected, 1 calls run and the queue is full",
        "Warn llm: call rejected after too long a wait, 1 calls run"
      ])
    }).pipe(logging(log.layer))
  })

  it.effect("of each change of a circuit's state", () => {
    const log = makeLog()
    const breaker = CircuitBreaker.makeUnsafe({ service: "llm", consecutiveFailures: 1 })
    return Effect.gen(function* () {
      yield* Effect.exit(breaker.execute(down))
      expect(log.texts()).toEqual(["Warn llm: circuit closed -> open, the next probe is in 1m"])
      yield* later("1 minute")
      yield* breaker.execute(Effect.void)
      expect(log.texts()).toEqual([
        "Info llm: circuit open -> half-open",
        "Info llm: circuit half-open -> closed, after 1m"
      ])
      yield* breaker.isolate
      yield* breaker.reset
      expect(log.texts()).toEqual([
        "Warn llm: circuit closed -> isolated",
        "Info llm: circuit isolated -> closed, after 0"
      ])
    }).pipe(logging(log.layer))
  })

  it.effect("of a circuit that only observes, and says so", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ service: "llm", consecutiveFailures: 1, mode: "observe" })
      yield* Effect.exit(breaker.execute(down))
      expect(log.texts()).toEqual(['Warn llm: circuit closed -> open, but it turns nobody away (mode "observe")'])
    }).pipe(logging(log.layer))
  })

  it.effect("of attempts that ran out", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      yield* Effect.exit(down.pipe(Retry.withRetry("llm")))
      expect(log.texts()).toEqual(["Warn llm: the only attempt failed with Down"])
    }).pipe(logging(log.layer, { retry: { maxAttempts: 1 } }))
  })

  it.effect("of a retry that was given up, and why", () => {
    const log = makeLog()
    const config = { retry: { baseDelay: "10 seconds", jitter: "none" } } as const
    return Effect.gen(function* () {
      yield* Effect.exit(down.pipe(Retry.withRetry("llm"), Deadline.withDeadline("5 seconds")))
      expect(log.texts()).toEqual(["Warn llm: not tried again after Down: there is no time left until the deadline"])
      const poor = yield* Retry.make({ service: "poor", budget: { ratio: 0, minimumPerSecond: 0 } })
      yield* Effect.exit(poor.execute(down))
      expect(log.texts()).toEqual(["Warn poor: not tried again after Down: the retry budget is exhausted"])
    }).pipe(logging(log.layer, config))
  })

  it.effect("of a rejection", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      const hanging = yield* Effect.forkChild(Effect.never.pipe(Bulkhead.withBulkhead("llm")), {
        startImmediately: true
      })
      yield* Effect.exit(Effect.void.pipe(Bulkhead.withBulkhead("llm")))
      expect(log.texts()).toEqual(["Warn llm: call rejected, 1 calls run and the queue is full"])
      const breaker = yield* CircuitBreaker.make({ service: "api" })
      yield* breaker.isolate
      log.texts()
      yield* Effect.exit(breaker.execute(Effect.void))
      expect(log.texts()).toEqual(["Warn api: call rejected, the circuit is isolated"])
      return hanging
    }).pipe(logging(log.layer, { bulkhead: { maxConcurrent: 1, maxQueue: 0 } }))
  })

  it.effect("of a stale answer, and how old it is", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ service: "llm" })
      const stale = Fallback.stale(cache, "key", { maxAge: "10 minutes" })
      yield* Effect.succeed("value").pipe(stale)
      yield* later("3 minutes")
      yield* down.pipe(stale)
      expect(log.texts()).toEqual(["Warn llm: answered with a value that is 3m old after Down"])
    }).pipe(logging(log.layer))
  })

  it.effect("of a decision that nobody was asked for", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      yield* down.pipe(Fallback.failOpen({ service: "openfga" }))
      yield* down.pipe(Fallback.failClosed({ service: "keycloak" }))
      expect(log.texts()).toEqual([
        "Warn openfga: allowed without an answer, after Down",
        "Warn keycloak: denied without an answer, after Down"
      ])
    }).pipe(logging(log.layer))
  })

  it.effect("its details as annotations, under the names that spans use", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      yield* Effect.exit(down.pipe(Retry.withRetry("llm"), Effect.annotateLogs("request", 7)))
      expect(log.lines.map(({ annotations }) => annotations)).toEqual([
        {
          request: 7,
          "resilience.pattern": "retry",
          "resilience.service": "llm",
          "resilience.attempts": 1,
          "error.type": "Down"
        }
      ])
    }).pipe(logging(log.layer, { retry: { maxAttempts: 1 } }))
  })
})

describe("repetitions", () => {
  const breaker = () => CircuitBreaker.makeUnsafe({ service: "llm", consecutiveFailures: 1 })

  it.effect("become one line at the end of the window, with their number", () => {
    const log = makeLog()
    const { execute } = breaker()
    const rejected = Effect.exit(execute(down))
    return Effect.gen(function* () {
      yield* Effect.repeat(rejected, { times: 1000 })
      expect(log.texts().slice(1)).toEqual(["Warn llm: call rejected, the circuit is open"])
      yield* later("9999 millis")
      expect(log.texts()).toEqual([])
      yield* later("1 millis")
      expect(log.lines.map(({ annotations }) => annotations["resilience.count"])).toEqual([999])
      expect(log.texts()).toEqual(["Warn llm: call rejected, the circuit is open, 999 times more"])
    }).pipe(logging(log.layer))
  })

  it.effect("that go on are a line for each window, and after a quiet window the first is a line at once", () => {
    const log = makeLog()
    const { execute } = breaker()
    const rejected = Effect.exit(execute(down))
    return Effect.gen(function* () {
      yield* Effect.repeat(rejected, { times: 2 })
      yield* later("10 seconds")
      log.texts()
      yield* rejected
      yield* later("5 seconds")
      expect(log.texts()).toEqual([])
      yield* later("5 seconds")
      expect(log.texts()).toEqual(["Warn llm: call rejected, the circuit is open"])
      yield* later("10 seconds")
      yield* rejected
      expect(log.texts()).toEqual(["Warn llm: call rejected, the circuit is open"])
    }).pipe(logging(log.layer))
  })

  it.effect("of one service hold back neither another service nor another kind", () => {
    const log = makeLog()
    const retry = (service: string) => Effect.exit(down.pipe(Retry.withRetry(service)))
    return Effect.gen(function* () {
      yield* retry("llm")
      yield* retry("llm")
      yield* retry("api")
      yield* Effect.exit(down.pipe(Retry.withRetry("llm"), CircuitBreaker.withCircuitBreaker("llm")))
      expect(log.texts()).toEqual([
        "Warn llm: the only attempt failed with Down",
        "Warn api: the only attempt failed with Down",
        "Warn llm: circuit closed -> open, the next probe is in 1m"
      ])
    }).pipe(logging(log.layer, { retry: { maxAttempts: 1 }, circuitBreaker: { consecutiveFailures: 1 } }))
  })

  it.effect("of transitions are all told", () => {
    const log = makeLog()
    const one = breaker()
    return Effect.gen(function* () {
      for (let n = 0; n < 3; n++) {
        yield* one.trip
        yield* one.reset
      }
      expect(log.texts()).toHaveLength(6)
    }).pipe(logging(log.layer))
  })

  it.effect("that are still held are told when the layer closes", () => {
    const log = makeLog()
    const { execute } = breaker()
    return Effect.gen(function* () {
      yield* Effect.repeat(Effect.exit(execute(down)), { times: 3 }).pipe(logging(log.layer))
      expect(log.texts().slice(2)).toEqual(["Warn llm: call rejected, the circuit is open, 2 times more"])
      yield* later("1 minute")
      expect(log.texts()).toEqual([])
    })
  })

  it.effect("are a line each without a window", () => {
    const log = makeLog()
    const { execute } = breaker()
    return Effect.gen(function* () {
      yield* Effect.repeat(Effect.exit(execute(down)), { times: 3 })
      expect(log.texts()).toHaveLength(4)
    }).pipe(logging(log.layer, {}, { window: 0 }))
  })
})

describe("levels", () => {
  const config = { retry: { maxAttempts: 2, baseDelay: "1 second", jitter: "none" } } as const
  const call = Effect.never.pipe(Timeout.withTimeout("1 second"), Resilience.protect("llm"), Effect.exit)
  const play = Effect.gen(function* () {
    yield* Effect.forkChild(call, { startImmediately: true })
    yield* later("1 minute")
  })

  it.effect("below the application's own are not logged", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      yield* play
      expect(log.texts()).toEqual(["Warn llm: all 2 attempts failed, the last with TimeoutExceededError"])
    }).pipe(logging(log.layer, config))
  })

  it.effect("show every step to who lets Debug pass", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      yield* play
      expect(log.texts()).toEqual([
        "Debug default: no answer within 1s",
        "Debug llm: the circuit counted a failure: TimeoutExceededError",
        "Debug llm: tried again in 1s after TimeoutExceededError",
        "Debug default: no answer within 1s",
        "Debug llm: the circuit counted a failure: TimeoutExceededError",
        "Warn llm: all 2 attempts failed, the last with TimeoutExceededError",
        "Debug llm: call failed: resilience.timeout"
      ])
    }).pipe(Effect.provideService(References.MinimumLogLevel, "Debug"), logging(log.layer, config))
  })

  it.effect("do not matter where the log is silent", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      yield* play.pipe(Effect.provide(Logs.layerSilent))
      expect(log.texts()).toEqual([])
      yield* play
      expect(log.texts()).toHaveLength(1)
    }).pipe(logging(log.layer, config))
  })
})

describe("colours", () => {
  const opened = (options: Logs.OptionsInput) => {
    const log = makeLog()
    return Effect.gen(function* () {
      yield* Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("llm")))
      return log.texts()
    }).pipe(logging(log.layer, { circuitBreaker: { consecutiveFailures: 1 } }, options))
  }

  it.effect("show the states of a circuit", () =>
    Effect.gen(function* () {
      expect(yield* opened({ colors: true })).toEqual([
        "Warn llm: circuit \u001b[32mclosed\u001b[39m -> \u001b[31mopen\u001b[39m, the next probe is in 1m"
      ])
    })
  )

  it.effect("are there on a terminal, unless it is asked for none", () =>
    Effect.gen(function* () {
      const isColored = Effect.map(opened({}), ([line = ""]) => line.includes("\u001b["))
      const { isTTY } = process.stdout
      const { NO_COLOR } = process.env
      const answers: Array<boolean> = []
      for (const [terminal, noColor] of [
        [true, undefined],
        [true, ""],
        [true, "1"],
        [false, ""]
      ] as const) {
        process.stdout.isTTY = terminal
        if (noColor === undefined) delete process.env["NO_COLOR"]
        else process.env["NO_COLOR"] = noColor
        answers.push(yield* isColored)
      }
      process.stdout.isTTY = isTTY
      if (NO_COLOR === undefined) delete process.env["NO_COLOR"]
      else process.env["NO_COLOR"] = NO_COLOR
      expect(answers).toEqual([true, true, false, false])
    })
  )
})

describe("the layer", () => {
  it.effect("refuses wrong options", () =>
    Effect.gen(function* () {
      const wrong = { window: "soon", colors: "red" } as unknown as Logs.OptionsInput
      const exit = yield* Effect.exit(Effect.void.pipe(logging(Layer.empty, {}, wrong)))
      expect(String(exit)).toContain("Logs.layer")
      expect(String(exit)).toContain("window")
      expect(String(exit)).toContain("colors")
    })
  )

  it.effect("breaks no call, though the logger is broken", () =>
    Effect.gen(function* () {
      const broken = Logger.layer([
        Logger.make(() => {
          throw new Error("disk full")
        })
      ])
      const exit = yield* Effect.exit(down.pipe(Retry.withRetry("llm"))).pipe(
        logging(broken, { retry: { maxAttempts: 1 } })
      )
      expect(exit).toEqual(yield* Effect.exit(down))
    })
  )

  it.effect("is not needed by instances that belong to no registry", () => {
    const log = makeLog()
    return Effect.gen(function* () {
      const observer = yield* Logs.make()
      const breaker = yield* CircuitBreaker.make({ service: "llm", consecutiveFailures: 1 })
      yield* Effect.exit(breaker.execute(down)).pipe(Effect.provide(Policy.layerObservers([observer])))
      expect(log.texts()).toHaveLength(1)
    }).pipe(Effect.scoped, Effect.provide(log.layer))
  })
})
