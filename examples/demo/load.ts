/**
 * The callers: real HTTP requests to both sides of the gateway, at a fixed rate.
 *
 * Open loop: calls are due by the clock, whether or not earlier ones were answered, as it is with callers who do not
 * know of each other. Waiting times count from the moment a call was due, so a late generator flatters nobody.
 */
import { Effect, Exit, FiberSet } from "effect"
import type { HttpClient } from "effect/http"
import { type BySide, type Ending, type Ledger, send, settle, type Side } from "./statistics.ts"
import type { Stopwatch } from "./stopwatch.ts"

export interface LoadOptions {
  readonly ratePerSecond: number
  readonly dayMillis: number
  readonly ledgers: BySide<Ledger>
  /** One client per side, each with connections of its own. */
  readonly clients: BySide<HttpClient.HttpClient>
  readonly stopwatch: Stopwatch
}

const sides: ReadonlyArray<Side> = ["unprotected", "protected"]

/** How long a caller waits, on either side, before it gives up. */
const patienceMillis = 3000

const questions = ["What is a monad?", "Why is the sky blue?", "Who wrote Faust?", "How do bees dance?"]

/**
 * Calls both sides for a moment without keeping the books, so that the first calls of the day do not wait for connections
 * and for code that has never run.
 */
export const warmUp = (clients: LoadOptions["clients"]): Effect.Effect<void> =>
  Effect.forEach(
    sides,
    (side) => Effect.replicateEffect(ask(clients[side], side, "Are you there?"), 100, { concurrency: 10 }),
    {
      concurrency: "unbounded",
      discard: true
    }
  )

/** Sends the calls of the whole day, then waits for the last answers as long as a caller would. */
export const run = (options: LoadOptions): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { dayMillis, ratePerSecond, stopwatch } = options
    const waiting = yield* FiberSet.make<void>()
    const calls = Math.floor((dayMillis / 1000) * ratePerSecond)
    for (let n = 0; n < calls; n++) {
      const dueMillis = (n * 1000) / ratePerSecond
      yield* stopwatch.sleepUntil(dueMillis)
      const question = questions[n % questions.length]!
      for (const side of sides) yield* FiberSet.run(waiting, call(options, side, question, dueMillis))
    }
    yield* Effect.timeoutOption(FiberSet.awaitEmpty(waiting), patienceMillis)
  }).pipe(Effect.scoped)

/** Enters the call, makes it, and settles it: also when it is interrupted half-way. */
const call = (options: LoadOptions, side: Side, question: string, dueMillis: number): Effect.Effect<void> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { stopwatch } = options
      const ledger = options.ledgers[side]
      send(ledger, dueMillis, stopwatch.elapsedMillis())
      const exit = yield* Effect.exit(restore(ask(options.clients[side], side, question)))
      const ending = Exit.isSuccess(exit) ? exit.value : "cut off"
      settle(ledger, ending, dueMillis, stopwatch.elapsedMillis())
    })
  )

const ask = (client: HttpClient.HttpClient, side: Side, question: string): Effect.Effect<Ending> =>
  client.get(`/${side}`, { urlParams: { question } }).pipe(
    Effect.tap((response) => response.text),
    Effect.map((response): Ending => {
      if (response.status !== 200) return "failed"
      return response.headers["x-answered-by"] === "fallback" ? "fallback" : "answered"
    }),
    Effect.timeout(patienceMillis),
    Effect.orElseSucceed((): Ending => "failed")
  )
