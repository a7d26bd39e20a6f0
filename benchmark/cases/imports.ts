/**
 * What it costs to import a library: the size of a small program, and how long that takes to load.
 */
import type { Case, Targets } from "../case.ts"
import { join } from "node:path"
import { bundle } from "../measures/bundle.ts"
import { run } from "../measures/process.ts"
import { type Figures, interleave } from "../measures/rounds.ts"

/** Programs by library, with what every one of the library's users loads anyway. */
type Programs = Readonly<Record<string, string>>

const before: Programs = { ours: `import "effect/Effect"`, effect: `import "effect/Effect"` }

const ofOurs = (name: string, make = `${name}.make()`): string => `
import * as Effect from "effect/Effect"
import { ${name} } from "effect-resilience"
export const program = Effect.flatMap(${make}, ({ execute }) => execute(Effect.void))`

const ofCockatiel = (names: string, make: string): string => `
import { ${names} } from "cockatiel"
export const program = () => ${make}.execute(() => {})`

const ofOpossum = (make: string): string => `
import Breaker from "opossum"
export const program = () => ${make}.fire()`

/** The least of a pattern: its guard, and its options as Effect itself checks them. No keys, no commands, nothing to be read. */
const guardOf = (name: string, imports: Readonly<Record<string, string>>, guard: string): string => `
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ${name} } from "effect-resilience"
${Object.entries(imports)
  .map(([path, names]) => `import { ${names} } from "${source(`policy/${path}`)}"`)
  .join("\n")}
const options = Schema.decodeUnknownSync(${name}.Options)({})
${guard}`

const source = (path: string): string => join(import.meta.dirname, "../../src", `${path}.ts`)

const BREAKER = "circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(5) })"

const programs: Readonly<Record<string, Programs>> = {
  CircuitBreaker: {
    ours: ofOurs("CircuitBreaker"),
    cockatiel: ofCockatiel("circuitBreaker, ConsecutiveBreaker, handleAll", BREAKER),
    opossum: ofOpossum("new Breaker(async () => {})"),
    limit: guardOf(
      "CircuitBreaker",
      {
        "internal/Circuit": "Circuit",
        "internal/CircuitGuard": "Guarded",
        "internal/Orders": "NO_ORDER",
        "internal/circuitSettings": "settingsOf",
        "internal/circuitTotals": "noTotals",
        Outcome: "classify"
      },
      `const settings = settingsOf(options)
const shared = { service: "default", settings, classify, totals: noTotals(), mode: options.mode, order: NO_ORDER }
const circuit = new Circuit(shared)
export const program = new Guarded(shared, () => circuit, Effect.void, classify)`
    ),
    effect: `export { make } from "effect/persistence/CircuitBreaker"`
  },
  Retry: {
    ours: ofOurs("Retry"),
    cockatiel: ofCockatiel("handleAll, retry", "retry(handleAll, { maxAttempts: 2 })"),
    limit: guardOf(
      "Retry",
      { "internal/Attempts": "Guarded", "internal/retrySettings": "settingsOf", "internal/retryTotals": "noTotals" },
      `const shared = { service: "default", settings: settingsOf(options), totals: noTotals() }
export const program = new Guarded(shared, () => undefined, Effect.void, {})`
    )
  },
  Timeout: {
    ours: ofOurs("Timeout", `Timeout.make({ duration: "5 seconds" })`),
    cockatiel: ofCockatiel("timeout, TimeoutStrategy", "timeout(5_000, TimeoutStrategy.Aggressive)")
  },
  Bulkhead: {
    ours: ofOurs("Bulkhead"),
    cockatiel: ofCockatiel("bulkhead", "bulkhead(10, 100)"),
    effect: `export { make } from "effect/Semaphore"`
  },
  Fallback: {
    ours: ofOurs("Fallback", "Fallback.make(() => Effect.void)"),
    cockatiel: ofCockatiel("fallback, handleAll", "fallback(handleAll, 0)")
  },
  Pipeline: {
    ours: ofOurs("Pipeline", "Pipeline.make({ retry: {}, circuitBreaker: {}, bulkhead: {} })"),
    cockatiel: ofCockatiel(
      "bulkhead, circuitBreaker, ConsecutiveBreaker, fallback, handleAll, retry, timeout, TimeoutStrategy, wrap",
      `wrap(fallback(handleAll, 0), retry(handleAll, {}), ${BREAKER}, bulkhead(10), timeout(5_000, TimeoutStrategy.Aggressive))`
    )
  },
  Resilience: {
    ours: `
import * as Effect from "effect/Effect"
import { Resilience } from "effect-resilience"
export const program = Effect.provide(Resilience.protect(Effect.void, "llm"), Resilience.layerEnv)`
  }
}

const size = (name: string, libraries: Programs, targets: Targets): Case => ({
  name: `bundle of ${name}, compressed`,
  unit: "bytes",
  targets,
  measure: async () => {
    // What Effect has itself stays outside.
    const { effect: _, ...bundled } = libraries
    const figures = Object.entries(bundled).map(async ([library, program]) => {
      const { bytes } = await bundle(`${name}-${library}`, program)
      return [library, [bytes]]
    })
    return Object.fromEntries(await Promise.all(figures))
  }
})

const startUp = (name: string, libraries: Programs): Case => ({
  name: `start-up of ${name}`,
  unit: "addedMillis",
  targets: {},
  isSlow: true,
  measure: async ({ rounds }) => {
    const { limit: _, ...loadable } = libraries
    const entries = await Promise.all(
      Object.entries(loadable).map(async ([library, program]) => ({
        library,
        bare: (await bundle(`${name}-${library}-before`, before[library] ?? "")).path,
        path: (await bundle(`${name}-${library}`, program)).path,
        added: [] as Array<number>
      }))
    )
    await interleave(Math.ceil(rounds / 5), entries, async ({ added, bare, path }) => {
      const [without, loaded] = [await load(bare), await load(path)]
      added.push(loaded - without)
    })
    return Object.fromEntries(entries.map(({ added, library }) => [library, added])) satisfies Figures
  }
})

const load = async (path: string): Promise<number> =>
  (await run<{ readonly millis: number }>("startup.ts", [path])).millis

const isPattern = (libraries: Programs, name: string): boolean =>
  name !== "Pipeline" && libraries["cockatiel"] !== undefined

export const imports: ReadonlyArray<Case> = [
  ...Object.entries(programs).map(([name, libraries]) =>
    size(name, libraries, isPattern(libraries, name) ? { ours: 6_000 } : {})
  ),
  ...Object.entries(programs).map(([name, libraries]) => startUp(name, libraries))
]
