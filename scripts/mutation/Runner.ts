/**
 * Runs a test file as it is, and then once more for each mutant that it reaches and that nobody has noticed yet: the tests
 * anew, the mutant active from the start, and of the tests those that reach it, until the first of them fails.
 *
 * The modules of packages stay loaded, so that a mutant costs milliseconds, where a process of its own would cost seconds. The
 * sources are loaded anew: what one mutant has left in their variables would make another one look noticed, or unnoticed.
 */
import { relative } from "node:path"
import { setImmediate, setTimeout } from "node:timers/promises"
import { type RunnerTask, type RunnerTestCase, type RunnerTestFile, TestRunner, vi } from "vitest"
import { startTests } from "vitest/internal/browser"
import { apart, listed } from "./groups.ts"
import { mutantsOf, noticed, read, type Round, tell, tried, type Verdict } from "./results.ts"

/** A test may read the switches this many times more often than without the mutant, and this often anyway. */
const LOOP_FACTOR = 20
const LOOP_FLOOR = 1_000_000
/** A test with no timer and nothing to do can only be stuck, when it is found so again and again. */
const STUCK_MILLIS = 20
const STUCK_TIMES = 5
const UNENDING = /without an end|waits for nothing|timed out in/

type Coverage = Record<string, number>
/** Which tests of a file can notice a mutant; `undefined` if all can, because the mutant is reached while modules load. */
type Reached = ReadonlyMap<string, ReadonlySet<string> | undefined>

const NONE: ReadonlySet<string> = new Set()

/** What the instrumented sources read and write: its form is theirs. */
class Switches {
  active: ReadonlySet<string> = NONE
  reads = 0
  limit = Infinity
  currentTestId: string | undefined = undefined
  mutantCoverage: { static: Coverage; perTest: Record<string, Coverage> } = { static: {}, perTest: {} }

  isActive(mutant: string): boolean {
    this.reads++
    if (this.reads > this.limit) throw new Error("a loop without an end")
    return this.active.has(mutant)
  }
}

const switches = new Switches()
Object.defineProperty(globalThis, "__stryker__", { value: switches, configurable: true })

const results = process.env["MUTATION_RESULTS"]!
const round = process.env["MUTATION_ROUND"] as Round

/** The unchanged run of a file, and then its mutants. */
export default class Runner extends TestRunner {
  readonly #reads = new Map<string, number>()

  override importFile(filepath: string, source: "collect" | "setup"): unknown {
    vi.resetModules()
    switches.mutantCoverage = { static: {}, perTest: {} }
    return super.importFile(filepath, source)
  }

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    await super.onBeforeRunTask(test)
    switches.currentTestId = test.id
    switches.reads = 0
  }

  override onAfterRunTask(test: RunnerTestCase): void {
    super.onAfterRunTask(test)
    switches.currentTestId = undefined
    this.#reads.set(test.id, switches.reads)
  }

  override async onAfterRunFiles(files: Array<RunnerTestFile>): Promise<void> {
    super.onAfterRunFiles(files)
    for (const file of files) {
      if (file.result?.state === "fail") tell(results, { _tag: "Broken", test: whyFailed(file) })
      else await this.#tryMutants(file)
      tell(results, { _tag: "Done", file: relative(process.cwd(), file.filepath), round })
    }
  }

  async #tryMutants(file: RunnerTestFile): Promise<void> {
    const reached = testsByMutant(switches.mutantCoverage)
    const before = read(results)
    const dead = noticed(before)
    const open = [...reached].filter(([mutant]) => !dead.has(mutant) && (round === "together" || !listed.has(mutant)))
    if (open.length === 0) return
    // No mutant at all must go unnoticed, or else the tests depend on what was there before.
    const control = await this.#try(file, [], new Map())
    if (control.verdict !== "Survived")
      return tell(results, { _tag: "Broken", test: `${control.test}, the second time` })
    const alive = tried(before)
    const stuck = mutantsOf(before, "Stuck")
    const [alone, together]: [Array<string>, Array<string>] = [[], []]
    for (const [mutant, tests] of open) {
      const inGroup = round === "together" && !stuck.has(mutant) && (tests === undefined || alive.has(mutant))
      ;(inGroup ? together : alone).push(mutant)
    }
    for (const mutant of alone) await this.#tryGroup(file, [mutant], reached)
    for (const group of apart(together)) await this.#tryGroup(file, group, reached)
  }

  /** Halves a group until a mutant is alone: only then it counts as noticed. Most groups go unnoticed as a whole. */
  async #tryGroup(file: RunnerTestFile, mutants: ReadonlyArray<string>, reached: Reached): Promise<void> {
    if (mutants.length === 0) return
    tell(results, { _tag: "Started", mutants, pid: process.pid })
    const { test, verdict } = await this.#try(file, mutants, reached)
    if (verdict === "Survived" || mutants.length === 1) return tell(results, { _tag: verdict, mutants, test })
    const middle = mutants.length >> 1
    await this.#tryGroup(file, mutants.slice(0, middle), reached)
    await this.#tryGroup(file, mutants.slice(middle), reached)
  }

  async #try(file: RunnerTestFile, mutants: ReadonlyArray<string>, reached: Reached): Promise<MutantRun> {
    const tests = mutants.map((mutant) => reached.get(mutant))
    const testIds = tests.includes(undefined) || tests.length === 0 ? undefined : tests.flatMap((ids) => [...ids!])
    const run = new MutantRun(this, this.#reads)
    switches.active = new Set(mutants)
    switches.reads = 0
    switches.limit = LOOP_FLOOR
    process.on("unhandledRejection", run.onError).on("uncaughtException", run.onError)
    try {
      const [ran] = await startTests([{ filepath: file.filepath, testIds }], run)
      if (ran?.result?.state === "fail") run.notice(file.name, ran.result.errors?.[0])
      // What fails late is reported in a later turn.
      await setImmediate()
    } finally {
      switches.active = NONE
      switches.limit = Infinity
      process.off("unhandledRejection", run.onError).off("uncaughtException", run.onError)
    }
    return run
  }
}

/** Some mutants against one file. It ends with the first failure, and vitest hears nothing of it. */
class MutantRun extends TestRunner {
  verdict: Verdict = "Survived"
  test = ""
  readonly #reads: ReadonlyMap<string, number>

  constructor(parent: TestRunner, reads: ReadonlyMap<string, number>) {
    super(parent.config)
    this.#reads = reads
    const { _otel, moduleRunner } = parent as unknown as { readonly _otel: unknown; readonly moduleRunner: unknown }
    Object.assign(this, { _otel, moduleRunner })
  }

  readonly onError = (error: unknown): void => this.notice("an error outside of the tests", error)

  notice(test: string, error: unknown): void {
    if (this.verdict !== "Survived") return
    this.test = test
    this.verdict = UNENDING.test(String((error as Error | undefined)?.message)) ? "TimedOut" : "Killed"
  }

  override importFile(filepath: string, source: "collect" | "setup"): unknown {
    vi.resetModules()
    return super.importFile(filepath, source)
  }

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    if (this.verdict !== "Survived") test.mode = "skip"
    await super.onBeforeRunTask(test)
    switches.reads = 0
    switches.limit = LOOP_FLOOR + LOOP_FACTOR * (this.#reads.get(test.id) ?? 0)
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    const end = new AbortController()
    try {
      await Promise.race([TestRunner.getTestFn(test)(), failWhenStuck(end.signal)])
    } finally {
      end.abort()
    }
  }

  override onAfterRunTask(test: RunnerTestCase): void {
    super.onAfterRunTask(test)
    if (test.result?.state === "fail") this.notice(nameOf(test), test.result.errors?.[0])
  }

  override async onAfterRunSuite(): Promise<void> {}
}

/** The first error: of a test, a suite, or the file itself, if it cannot be loaded. */
const whyFailed = (file: RunnerTestFile): string => {
  const failed = tasksIn(file).find(({ result }) => result?.errors?.length)
  return `${nameOf(failed ?? file)}: ${failed?.result?.errors?.[0]?.message}`
}

const tasksIn = (task: RunnerTask): ReadonlyArray<RunnerTask> =>
  task.type === "suite" ? [...task.tasks.flatMap(tasksIn), task] : [task]

const failWhenStuck = async (end: AbortSignal): Promise<void> => {
  for (let times = 0; times < STUCK_TIMES;) {
    await setTimeout(STUCK_MILLIS, undefined, { ref: false })
    if (end.aborted) return
    const works = process.getActiveResourcesInfo().some((resource) => /Timeout|Immediate/.test(resource))
    times = works ? 0 : times + 1
  }
  throw new Error("waits for nothing")
}

const testsByMutant = (coverage: Switches["mutantCoverage"]): Reached => {
  const reached = new Map<string, Set<string> | undefined>()
  for (const [test, mutants] of Object.entries(coverage.perTest))
    for (const mutant of Object.keys(mutants)) reached.set(mutant, (reached.get(mutant) ?? new Set()).add(test))
  for (const mutant of Object.keys(coverage.static)) reached.set(mutant, undefined)
  return reached
}

const nameOf = (test: RunnerTask): string => {
  const names = [test.name]
  for (let suite = test.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name)
  return `${test.file.name}: ${names.join(" > ")}`
}
