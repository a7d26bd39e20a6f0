/**
 * What must be true of every pipeline, whatever happens to its calls: checked under random loads in virtual time.
 *
 * **When to use**
 *
 * In the tests of an application, for the pipelines that it makes: their numbers, their order, and policies of one's own among
 * the parts.
 *
 * **Details**
 *
 * Each run makes a new pipeline and lets calls through it that succeed, fail, die, hang or take their time, interrupts some of
 * them wherever they are, lets time pass, and gives orders as operators do: trip, reset, isolate, resize. The times are those
 * that matter to the pipeline. Then everything ends, and the laws are checked. They are:
 *
 * - no permit is lost, and none is given twice;
 * - no probe is lost, and every half-open circuit decides, however its probes end;
 * - a budget is never negative, never exceeded, and whole again at rest;
 * - a deadline never grows on the way in, and a limit ends what it limits;
 * - every call ends, and every part counts it exactly once;
 * - events and totals agree.
 *
 * The same seed gives the same run. A law that is broken is reported with the seed and the shortest sequence that breaks it.
 *
 * **Example** (A pipeline that keeps the laws)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Pipeline } from "effect-resilience"
 * import { Laws } from "effect-resilience/testing"
 *
 * const prices = Pipeline.make({
 *   service: "prices",
 *   deadline: "5 seconds",
 *   retry: { maxAttempts: 3 },
 *   circuitBreaker: { consecutiveFailures: 3 },
 *   bulkhead: { maxConcurrent: 10, queueTimeout: "1 second" },
 *   timeout: "2 seconds"
 * })
 *
 * const { runs } = await Effect.runPromise(Laws.check(prices, { runs: 50 }))
 * runs // => 50
 * ```
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Command, commandsOf, textOf } from "./internal/Command.ts"
import { Experiment } from "./internal/Experiment.ts"
import { ordersOf, partsOf, type Subject, timesOf } from "./internal/Parts.ts"
import { type Breach, breach, type Law } from "./internal/laws.ts"
import { type Seeded, seeded } from "./internal/Seeded.ts"
import { shortest } from "./internal/shortest.ts"

export type { Law, Subject }

/** What a check can be told. */
export interface Options {
  /** How many random runs (default 100). */
  readonly runs?: number | undefined
  /** That of the first run (default 1); each further one has the next. */
  readonly seed?: number | undefined
  /** Some of the calls have one of these (default none): see `CallOptions`. */
  readonly keys?: ReadonlyArray<string> | undefined
  /** What the dependency fails with; by default a string, and errors with a status and a hint. */
  readonly errors?: ReadonlyArray<unknown> | undefined
  /** Whether operators give orders meanwhile (default true). */
  readonly orders?: boolean | undefined
}

/** What was tried. A check that sees no event of a pattern says little about it. */
export interface Report {
  readonly runs: number
  readonly calls: number
  /** How many events of each tag there were. */
  readonly events: Readonly<Record<string, number>>
}

/**
 * A law is broken: which, by which run, and what has to happen for it.
 *
 * **Details**
 *
 * `Laws.check(make, { seed, runs: 1 })` with its seed repeats the run.
 */
export class LawBrokenError extends Error {
  readonly _tag = "LawBrokenError"
  readonly law: Law
  readonly seed: number
  readonly reason: string
  /** The shortest sequence that was found, in words. */
  readonly commands: ReadonlyArray<string>
  constructor(fields: Pick<LawBrokenError, "law" | "seed" | "reason" | "commands">) {
    const { commands, law, reason, seed } = fields
    const steps = commands.map((command) => `  ${command}`)
    super([`broken with seed ${seed}: ${law}`, reason, "after", ...steps].join("\n"))
    this.name = this._tag
    this.law = law
    this.seed = seed
    this.reason = reason
    this.commands = commands
  }
}

/**
 * Checks the laws for what an effect makes: a pipeline, or a single policy. Each run makes a new one.
 *
 * **Gotchas**
 *
 * The effect must make everything that has a state: an instance from outside, that the runs share, breaks the laws. What a
 * fallback needs is taken from the context of the check.
 *
 * **Example** (What a broken law looks like)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Bulkhead } from "effect-resilience"
 * import { Laws } from "effect-resilience/testing"
 *
 * const shared = Bulkhead.makeUnsafe({ maxConcurrent: 2 })
 * const program = Laws.check(Effect.succeed(shared)).pipe(
 *   Effect.catchTag("LawBrokenError", ({ law }) => Effect.succeed(law))
 * )
 *
 * await Effect.runPromise(program) // => "every call is counted once"
 * ```
 */
export const check = <E, R>(
  make: Effect.Effect<Subject, E, R>,
  options: Options = {}
): Effect.Effect<Report, E | LawBrokenError, R> =>
  Effect.gen(function* () {
    const { runs = 100, seed: first = 1 } = options
    const context = yield* Effect.context<R>()
    const fresh = withoutSharedLayers(make)
    const events: Record<string, number> = {}
    let calls = 0
    for (let seed = first; seed < first + runs; seed++) {
      const run = yield* prepare(fresh, options, context, seed)
      const experiment = yield* run.start
      const broken = breach(experiment, run.commands)
      if (broken !== undefined) return yield* explain(run, broken, seed)
      calls += experiment.calls.size
      for (const { _tag } of experiment.events) events[_tag] = (events[_tag] ?? 0) + 1
    }
    return { runs, calls, events }
  })

/** A layer is built once for all who provide it in one program, but each run needs instances of its own. */
const withoutSharedLayers = <A, E, R>(make: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(
    () => Effect.provideService(make, Layer.CurrentMemoMap, Layer.makeMemoMapUnsafe()) as Effect.Effect<A, E, R>
  )

interface Run<E, R> {
  readonly commands: ReadonlyArray<Command>
  /** The same experiment again and again. */
  readonly start: Effect.Effect<Experiment, E, R>
}

const YIELDS = [3, 4, 5, 8, 16, 64, 2_048, 2_048]

const prepare = <E, R>(
  make: Effect.Effect<Subject, E, R>,
  { errors = ERRORS, keys = [], orders = true }: Options,
  context: Context.Context<R>,
  seed: number
): Effect.Effect<Run<E, R>, E, R> =>
  Effect.map(make, (sample) => {
    const random = seeded(seed)
    const parts = partsOf(sample)
    const operationsBeforeYield = random.pick(YIELDS)
    const commands = commandsOf(random, {
      keys: [undefined, ...keys],
      times: [...TIMES, ...timesOf(parts)],
      errors,
      orders: orders ? parts.flatMap((part, at) => ordersOf(part).map((order) => [at, order] as const)) : []
    })
    const chance = (): Seeded => seeded(seed)
    const start = Effect.map(
      make,
      (subject) =>
        new Experiment(subject, {
          context: context as Context.Context<never>,
          random: chance().next,
          operationsBeforeYield
        })
    )
    return { commands, start }
  })

const TIMES = [0, 1, 10, 100, 1_000]

const ERRORS: ReadonlyArray<unknown> = [
  "down",
  "down",
  { _tag: "Busy", status: 503, retryAfter: Duration.millis(700) },
  { _tag: "Overloaded", status: 529 },
  { _tag: "Limited", status: 429, retryAfter: Duration.seconds(2) },
  { _tag: "Wrong", status: 404 }
]

/** The shortest sequence that breaks the same law. */
const explain = <E, R>(run: Run<E, R>, { law, reason }: Breach, seed: number) =>
  Effect.gen(function* () {
    let found: Breach = { law, reason }
    const breaks = (commands: ReadonlyArray<Command>) =>
      Effect.map(run.start, (experiment) => {
        const broken = breach(experiment, commands)
        if (broken?.law !== law) return false
        found = broken
        return true
      })
    const commands = yield* shortest(run.commands, breaks)
    const { parts } = yield* run.start
    const nameOf = (part: number) => `${parts[part]!.kind} of "${parts[part]!.service}"`
    const words = commands.map((command) => textOf(command, nameOf))
    return yield* Effect.fail(new LawBrokenError({ law, seed, reason: found.reason, commands: words }))
  })
