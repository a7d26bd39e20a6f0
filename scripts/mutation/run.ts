/** Runs the tests against the mutants, in as many runs as it takes to get through every test file. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, relative, resolve } from "node:path"
import { createVitest } from "vitest/node"
import type { Instrumented } from "./instrument.ts"
import { noticed, read, type Result, type Round, tell } from "./results.ts"
import { isListed } from "./survivors.ts"

/** After so long in one mutant, its process is stuck where nothing else can end it. */
const STUCK_MILLIS = 120_000
const WATCH_MILLIS = 1_000

/** After so many test files other processes take over, because sources that are loaded anew for each mutant stay in memory. */
const FILES_AT_ONCE = 24

/** How many cases a property is tried with. */
const CASES = "20"

/**
 * Quick tests first: a mutant that they notice need not be tried in the slow ones. Before these, those of what modules make
 * while they load, since a mutant in that is tried with all tests of a file.
 */
const EARLY = /policy\/(.*(internal|options|lint)|Classifier|.*Error|Outcome)/
const SLOW = /interactions|exhaustive|interruption|sweep|load|longQueue|model|fuzz|Pipeline.fused|keys|environment/i
const rankOf = (file: string): number => (SLOW.test(file) ? 2 : EARLY.test(file) ? 0 : 1)
const quickFirst = (one: string, other: string): number => rankOf(one) - rankOf(other) || one.localeCompare(other)

/** All that was found out. */
export const run = async (
  { mutants, sources }: Instrumented,
  testFiles: ReadonlyArray<string>,
  workers: number
): Promise<ReadonlyArray<Result>> => {
  const directory = mkdtempSync(join(tmpdir(), "mutation-"))
  const results = join(directory, "results")
  writeFileSync(results, "")
  writeFileSync(join(directory, "mutants"), JSON.stringify(mutants))
  const instrumented = new Map([...sources].map(([file, text]) => [resolve(file), text]))
  const runRound = async (round: Round): Promise<void> => {
    for (;;) {
      const before = read(results)
      const done = new Set(
        before.flatMap((result) => (result._tag === "Done" && result.round === round ? [result.file] : []))
      )
      const left = testFiles.filter((file) => !done.has(file)).toSorted(quickFirst)
      if (left.length === 0) return
      await runOnce(instrumented, left.slice(0, FILES_AT_ONCE), workers, results, round)
      if (read(results).length === before.length) throw new Error(`These tests do not run: ${left.join(", ")}`)
    }
  }
  try {
    await runRound("together")
    const dead = noticed(read(results))
    const hasReason = isListed()
    if (mutants.some((mutant) => !dead.has(mutant.id) && !hasReason(mutant))) await runRound("alone")
    return read(results)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const runOnce = async (
  instrumented: ReadonlyMap<string, string>,
  testFiles: ReadonlyArray<string>,
  workers: number,
  results: string,
  round: Round
): Promise<void> => {
  const vitest = await createVitest(
    "test",
    {
      watch: false,
      runner: resolve("scripts/mutation/Runner.ts"),
      pool: "forks",
      maxWorkers: workers,
      isolate: false,
      fsModuleCache: false,
      silent: true,
      reporters: [{}],
      dangerouslyIgnoreUnhandledErrors: true,
      include: [...testFiles],
      sequence: {
        sequencer: class {
          shard = async <A>(files: A): Promise<A> => files
          sort = async <A extends { readonly moduleId: string }>(files: Array<A>): Promise<Array<A>> =>
            files.toSorted((one, other) => quickFirst(relative("", one.moduleId), relative("", other.moduleId)))
        }
      },
      env: {
        MUTATION_RESULTS: results,
        MUTATION_MUTANTS: join(dirname(results), "mutants"),
        MUTATION_ROUND: round,
        FUZZ_RUNS: CASES
      }
    },
    { plugins: [{ name: "mutants", enforce: "pre", load: (id) => instrumented.get(id) }] }
  )
  const watch = setInterval(endStuck(results), WATCH_MILLIS)
  try {
    await vitest.start()
  } finally {
    clearInterval(watch)
    await vitest.close()
  }
}

/** Ends a process that does not get on. A mutant that brought this about alone counts as noticed, a group is taken apart. */
const endStuck = (results: string): (() => void) => {
  let [length, since] = [0, Date.now()]
  return () => {
    const all = read(results)
    if (all.length !== length) [length, since] = [all.length, Date.now()]
    if (Date.now() - since < STUCK_MILLIS) return
    for (const { mutants, pid } of running(all)) {
      const alone = mutants.length === 1
      tell(results, { _tag: alone ? "TimedOut" : "Stuck", mutants, test: "a process that did not end" })
      process.kill(pid, "SIGKILL")
    }
  }
}

type Started = Extract<Result, { readonly _tag: "Started" }>

/** What each process has begun and not ended. */
const running = (results: ReadonlyArray<Result>): ReadonlyArray<Started> => {
  const last = new Map<string, Started>()
  for (const result of results) {
    if (result._tag === "Started") last.set(result.mutants.join(), result)
    else if ("mutants" in result) last.delete(result.mutants.join())
  }
  return [...last.values()]
}
