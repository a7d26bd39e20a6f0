/**
 * A secret is planted in errors, keys, requests and settings, and everything that the library writes is searched for it.
 * What a caller gets back is the caller's own error, unchanged; nothing of it may be anywhere else.
 */
import { describe, expect, it } from "@effect/vitest"
import { Cause, Console, Effect, Exit, Fiber, Layer, Logger, Redacted, References, Stream } from "effect"
import { HttpClient, HttpClientResponse, HttpRouter } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { Admin } from "../../src/admin/index.ts"
import { ErrorResponse, ResilientHttpClient } from "../../src/http/index.ts"
import {
  Bulkhead,
  CircuitBreaker,
  Fallback,
  Policy,
  ProtectedStream,
  Resilience,
  Retry,
  Timeout
} from "../../src/index.ts"
import { Logs, SlackAlerts, Spans } from "../../src/telemetry/index.ts"
import { recordSpans } from "../telemetry/support/tracer.ts"
import { errors, request, response, SECRET } from "./secrets.ts"

const TOKEN = "token-canary-91d4"
const WEBHOOK = "hook-canary-5c2e"
const KEY = "user-canary-8e0a"
/** Whole, or as part of something that is encoded. */
const FORBIDDEN = [SECRET, TOKEN, WEBHOOK, KEY].flatMap((secret) => [
  secret,
  Buffer.from(secret).toString("base64").slice(0, 20),
  encodeURIComponent(secret)
])

const services = {
  llm: {
    retry: { maxAttempts: 2, budget: { ratio: 0.01, minimumPerSecond: 0 } },
    circuitBreaker: { consecutiveFailures: 3 },
    bulkhead: { maxConcurrent: 1, maxQueue: 0 },
    timeout: "1 second",
    deadline: "1 minute"
  },
  api: { retry: { maxAttempts: 3 } },
  http: { retry: { maxAttempts: 2 } }
} as const

/** What is written, by what writes it. */
class Written {
  readonly texts: Array<readonly [where: string, text: string]> = []

  add(where: string, ...values: ReadonlyArray<unknown>): void {
    for (const value of values)
      this.texts.push([where, typeof value === "string" ? value : inspect(value, { depth: 9 })])
  }

  /** What holds a secret; one place each. */
  get leaks(): ReadonlyArray<string> {
    const found = this.texts.filter(([, text]) => FORBIDDEN.some((secret) => text.includes(secret)))
    return [...new Set(found.map(([where, text]) => `${where}: ${text.slice(0, 300)}`))].slice(0, 5)
  }

  /** Where something was written. */
  get places(): ReadonlySet<string> {
    return new Set(this.texts.map(([where]) => where))
  }
}

/** An event names the error that it is about, for observers in the same process; nobody may pass that on. */
const withoutError = (event: Policy.Event): Policy.Event => ({ ...event, error: undefined })

/** Everything that listens. */
const listening = (written: Written) => {
  const write =
    (where: string) =>
    (...values: ReadonlyArray<unknown>): void =>
      written.add(where, ...values)
  const writing = {
    log: write("log"),
    info: write("log"),
    warn: write("log"),
    error: write("log"),
    debug: write("log")
  }
  const groups = { group: write("log"), groupCollapsed: write("log") }
  const slack = Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.sync(() => {
        const { body } = request
        written.add("slack", body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : body)
        return HttpClientResponse.fromWeb(request, new Response("ok"))
      })
    )
  )
  const loggers = [
    Logger.consoleJson,
    Logger.consoleLogFmt,
    Logger.consolePretty({ colors: false }),
    Logger.consoleStructured,
    Logger.make(({ cause, message }) => written.add("log", String(message), Cause.pretty(cause)))
  ]
  return Layer.mergeAll(
    Logs.layer({ window: 0 }),
    Spans.layer,
    SlackAlerts.layerWith({ url: Redacted.make(`https://hooks.example.com/${WEBHOOK}`), throttle: 0 }).pipe(
      Layer.provide(slack)
    ),
    Layer.effectDiscard(
      Policy.subscribe((event) => written.add("event", JSON.stringify(withoutError(event)), withoutError(event)))
    ),
    Policy.layerObservers([(event) => written.add("event", withoutError(event))])
  ).pipe(
    Layer.provideMerge(Resilience.layer({ services })),
    Layer.provideMerge(
      Layer.mergeAll(
        Logger.layer(loggers),
        Layer.succeed(References.MinimumLogLevel, "All"),
        Layer.succeed(Console.Console, Object.assign(Object.create(console) as Console.Console, writing, groups))
      )
    )
  )
}

/** Our own errors among those of a call. */
const ownErrors = (written: Written, exit: Exit.Exit<unknown, unknown>): void => {
  if (Exit.isSuccess(exit)) return
  for (const reason of exit.cause.reasons) {
    if (reason._tag !== "Fail" || !(reason.error instanceof Error) || !("isOwnSide" in reason.error)) continue
    const { error } = reason
    // The errors of the attempts are the caller's, who has asked for them.
    const { causes: _, lastError: __, ...fields } = error as typeof error & { causes?: unknown; lastError?: unknown }
    written.add("error", error.message, String(error), error.stack ?? "", inspect(fields), JSON.stringify(fields))
    if (!("causes" in error)) {
      written.add("error", inspect(error), JSON.stringify(error), Cause.pretty(Cause.fail(error)))
    }
  }
}

/** Lets a call run to its end, whatever it waits for. */
const finish = <A, E, R>(self: Effect.Effect<A, E, R>, written: Written) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(self, { startImmediately: true })
    for (let step = 0; step < 8; step++) yield* TestClock.adjust("30 seconds")
    ownErrors(written, yield* Fiber.await(fiber))
  })

/** Everything that can happen to calls that fail with an error. */
const misfortunes = (error: () => unknown, written: Written) =>
  Effect.gen(function* () {
    const fail = Effect.suspend(() => Effect.fail(error()))
    const call = { key: KEY }
    const wrapped = yield* Retry.make({ service: "api", maxAttempts: 2, onExhausted: "wrap" })
    const breaker = yield* CircuitBreaker.make({ service: "own", consecutiveFailures: 1 })
    const bulkhead = yield* Bulkhead.make({ service: "own", maxConcurrent: 1, maxQueue: 0 })
    yield* Effect.forEach(
      [
        Resilience.protect(fail, "llm", call),
        Resilience.protect(fail, "llm"),
        Resilience.protect(
          Effect.suspend(() => Effect.die(error())),
          "api"
        ),
        Resilience.protect(fail, "api", { fallback: () => Effect.succeed("instead") }),
        Resilience.protect(Effect.never, "llm", call),
        Retry.withRetry(fail, wrapped),
        fail.pipe(breaker.executeWith(call)),
        fail.pipe(breaker.executeWith(call)),
        fail.pipe(breaker.execute, Effect.ignore, Effect.andThen(breaker.execute(fail))),
        Effect.all(
          [Effect.sleep("1 second"), fail].map((one) => bulkhead.executeWith(call)(one)),
          { concurrency: 2 }
        ),
        Timeout.withTimeout(Effect.never, "1 second"),
        Fallback.failOpen(fail, { service: "api" }),
        Stream.runDrain(ProtectedStream.protect(Stream.fromEffect(fail), "api")),
        ResilientHttpClient.protect(
          HttpClient.make((request) =>
            Effect.sync(() => HttpClientResponse.fromWeb(request, new Response(SECRET, { status: 503 })))
          )
        ).execute(request),
        ResilientHttpClient.protect(
          HttpClient.make(() => Effect.succeed(response(429))),
          {
            service: () => ({ service: "http", key: KEY })
          }
        ).execute(request),
        Resilience.command({ service: "llm", pattern: "retry", command: "set", parameters: { option: "x", value: 1 } })
      ],
      (one) =>
        finish(Effect.withSpan(one as Effect.Effect<unknown, unknown, Policy.ResilienceRegistry>, "call"), written)
    )
    const answer = yield* ErrorResponse.fromError(error())
    written.add("answer", answer, answer.body._tag === "Uint8Array" ? answer.body.text : "")
  })

/** What operators and dashboards see. */
const views = (written: Written) =>
  Effect.gen(function* () {
    written.add("metrics", yield* PrometheusMetrics.format())
    const status = yield* Resilience.status
    written.add("status", JSON.stringify(status), status)
    for (const service of ["llm", "api", "http"]) written.add("status", yield* Resilience.explain(service))
    const registry = yield* Policy.ResilienceRegistry
    const { dispose, handler } = HttpRouter.toWebHandler(
      Admin.routes({ token: Redacted.make(TOKEN), hosts: ["localhost"] }).pipe(
        Layer.provide(Layer.succeed(Policy.ResilienceRegistry, registry)),
        Layer.provide(Logger.layer([Logger.make(({ message }) => written.add("log", message))]))
      ),
      { disableLogger: true }
    )
    const ask = (path: string, init: RequestInit = {}) =>
      Effect.promise(async () => {
        const headers = { host: "localhost", authorization: `Bearer ${TOKEN}`, "content-type": "application/json" }
        const answer = await handler(new Request(`http://localhost/resilience/${path}`, { headers, ...init }))
        written.add("admin", JSON.stringify([...answer.headers]))
        if (answer.headers.get("content-type") !== "text/event-stream") return written.add("admin", await answer.text())
        const reader = answer.body!.getReader()
        for (let told = 0; told < registry.recent().length;) {
          const text = new TextDecoder().decode((await reader.read()).value)
          told += text.match(/^data: /gm)?.length ?? 0
          written.add("events", text)
        }
        await reader.cancel()
      })
    for (const path of ["status", "status/llm", "explain/llm", "commands", "openapi.json", "nothing", "events"])
      yield* ask(path)
    const command = JSON.stringify({ service: "llm", pattern: "retry", command: "set", parameters: {} })
    yield* ask("commands", { method: "POST", body: command })
    yield* ask("commands", {
      method: "POST",
      body: command,
      headers: { host: "localhost", authorization: `Bearer ${TOKEN}x` }
    })
    yield* Effect.promise(dispose)
  })

describe("a secret", () => {
  it.effect.each(Object.entries(errors))("in %s of an error is nowhere else", ([, error]) => {
    const written = new Written()
    const { spans, trace } = recordSpans()
    return Effect.gen(function* () {
      yield* trace(misfortunes(error, written))
      // The circuits of keys are still there.
      written.add("status", yield* Resilience.status)
      yield* TestClock.adjust("1 hour")
      yield* views(written)
      for (const { attributes, events, name } of spans) {
        // The span of a client is Effect's, and tells the whole address.
        written.add("span", name, attributes.has("url.full") ? "" : [...attributes], events)
      }
      expect(written.leaks).toEqual([])
      const places = ["error", "event", "log", "metrics", "status", "admin", "events", "slack", "span", "answer"]
      expect([...written.places].toSorted()).toEqual(places.toSorted())
      const tags = new Set(spans.flatMap(({ events }) => events.map(([name]) => name)))
      expect(tags.size).toBeGreaterThan(6)
    }).pipe(Effect.provide(listening(written)))
  })
})
