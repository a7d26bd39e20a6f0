/** Everything CI asks for, in order. A failing step does not stop the others, and the last line holds the totals. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

interface Totals {
  readonly passed: number
  readonly failed: number
}

const temporary = mkdtempSync(join(tmpdir(), "verify-"))

const run = (command: string, args: ReadonlyArray<string>, accepts: (stdout: string) => boolean): boolean => {
  const { error, status, stderr, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 27,
    timeout: 900_000,
    killSignal: "SIGKILL"
  })
  const ok = status === 0 && accepts(stdout)
  if (!ok) console.log(`${stdout}${stderr}${error?.message ?? `exit code ${status}`}`)
  return ok
}

const script = (name: string, args: ReadonlyArray<string> = [], accepts: (stdout: string) => boolean = () => true) =>
  run("npm", ["run", "--silent", name, "--", ...args], accepts)

/** What a step says even if all is well. */
const told = (stdout: string): boolean => {
  console.log(stdout.trim())
  return true
}

const one = (ok: boolean): Totals => (ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 })

/** A run without a single failed test fails too: a file did not load, or an error escaped. That counts as one. */
const fromReport = (report: string, ok: boolean): Totals => {
  try {
    const counts: { numPassedTests: number; numFailedTests: number } = JSON.parse(readFileSync(report, "utf8"))
    return { passed: counts.numPassedTests, failed: Math.max(counts.numFailedTests, ok ? 0 : 1) }
  } catch {
    return one(false)
  }
}

const vitest = (name: string, options: ReadonlyArray<string> = []): Totals => {
  const report = join(temporary, `${name.replace(":", "-")}.json`)
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
  return fromReport(report, script(name, [...reporters, ...options]))
}

/** Who has just run the unit tests hands over their reports and exit code, to not run them twice. */
const { TEST_COVERAGE = join(temporary, "coverage"), TEST_REPORT, TEST_STATUS } = process.env

const unitTests = (): Totals =>
  TEST_REPORT === undefined
    ? vitest("test", ["--coverage.enabled", `--coverage.reportsDirectory=${TEST_COVERAGE}`])
    : fromReport(TEST_REPORT, TEST_STATUS === "0")

const isDemoReport = (stdout: string): boolean => {
  try {
    const report: object = JSON.parse(stdout)
    return "unprotected" in report && "protected" in report
  } catch {
    return false
  }
}

/** The machines only, with their own tests but the slowest: the policies take too long for each change. */
const core = ["--mutate", "src/core/*.ts", "--tests", "test/core/+([!.]).test.ts", "--workers", "2"]

const steps: ReadonlyArray<readonly [name: string, step: () => Totals]> = [
  ["check", () => one(script("check"))],
  ["lint", () => one(script("lint"))],
  ["monitoring", () => one(script("monitoring", ["--check"]))],
  ["docs", () => one(script("docs", ["--check"]))],
  ["test", unitTests],
  ["coverage", () => one(script("coverage", ["--report", TEST_COVERAGE], told))],
  ["test:types", () => vitest("test:types")],
  ["doctest", () => vitest("doctest")],
  ["audit", () => one(run(process.execPath, ["scripts/audit.ts"], told))],
  ["mutation", () => one(script("mutation", core))],
  ["package", () => one(run(process.execPath, ["scripts/package.ts"], () => true))],
  ["examples", () => one(script("examples"))],
  ["demo", () => one(script("start", ["--duration", "6", "--json"], isDemoReport))],
  ["bench", () => one(script("bench", ["--quick"]))],
  ["load", () => one(script("load", ["--quick"]))],
  ["soak", () => one(script("soak"))]
]

const results = steps.map(([name, step]) => {
  const started = performance.now()
  const { failed, passed } = step()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${failed === 0 ? "passed" : "failed"} ${name} (${seconds} s): ${passed} passed, ${failed} failed`)
  return { passed, failed }
})

rmSync(temporary, { recursive: true })
const sum = (key: keyof Totals): number => results.reduce((total, result) => total + result[key], 0)
process.exitCode = sum("failed") === 0 ? 0 : 1
console.log(`${sum("passed")} passed, ${sum("failed")} failed`)
