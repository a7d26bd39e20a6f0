/**
 * Runs the tests with coverage: each line and each branch of `src` is reached, or it is on the list of exceptions.
 *
 * `npm run coverage`, `-- --update` writes the list, `-- test/core` runs some tests only, `-- --report folder` runs none and
 * reads what a run with `--coverage.enabled --coverage.reportsDirectory=folder` has left.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { parseArgs } from "node:util"

/** A place is found by the text of its line, because line numbers move. */
interface Place {
  readonly file: string
  readonly line: string
  readonly kind: "line" | "branch"
}

interface Group {
  readonly reason: string
  readonly places: ReadonlyArray<Place>
}

interface Range {
  readonly start: { readonly line?: number }
}

/** What istanbul's format says about one file. */
interface FileCoverage {
  readonly path: string
  readonly statementMap: Readonly<Record<string, Range>>
  readonly s: Readonly<Record<string, number>>
  readonly branchMap: Readonly<Record<string, { readonly loc: Range; readonly locations: ReadonlyArray<Range> }>>
  readonly b: Readonly<Record<string, ReadonlyArray<number>>>
}

const EXCEPTIONS = "test/exceptions/coverage.json"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { update: { type: "boolean", default: false }, report: { type: "string" } }
})

const measure = (): ReadonlyArray<FileCoverage> => {
  const directory = mkdtempSync(join(tmpdir(), "coverage-"))
  const options = ["--coverage.enabled", `--coverage.reportsDirectory=${directory}`, "--reporter=dot"]
  const { status } = spawnSync("npx", ["vitest", "run", ...options, ...positionals], {
    stdio: ["ignore", "inherit", "inherit"]
  })
  if (status !== 0) throw new Error("The tests have failed.")
  const report = read(directory)
  rmSync(directory, { recursive: true })
  return report
}

const read = (directory: string): ReadonlyArray<FileCoverage> => {
  const report: Record<string, FileCoverage> = JSON.parse(readFileSync(join(directory, "coverage-final.json"), "utf8"))
  return Object.values(report)
}

const missesOf = (coverage: FileCoverage): ReadonlyArray<Place> => {
  const lines = readFileSync(coverage.path, "utf8").split("\n")
  const place = (kind: Place["kind"], { start }: Range): Place => ({
    file: relative(process.cwd(), coverage.path),
    line: lines[start.line! - 1]!.trim(),
    kind
  })
  const statements = Object.entries(coverage.s).filter(([, count]) => count === 0)
  // An "else" that is not written has no place of its own.
  const branches = Object.entries(coverage.b).flatMap(([id, counts]) => {
    const { loc, locations } = coverage.branchMap[id]!
    return locations.filter((_, arm) => counts[arm] === 0).map((arm) => (arm.start.line === undefined ? loc : arm))
  })
  const places = [
    ...statements.map(([id]) => place("line", coverage.statementMap[id]!)),
    ...branches.map((range) => place("branch", range))
  ]
  return [...new Map(places.map((one) => [keyOf(one), one])).values()]
}

const keyOf = ({ file, kind, line }: Place): string => `${file}: ${kind} not reached: ${line}`

const without = (places: ReadonlyArray<Place>, others: ReadonlyArray<Place>): ReadonlyArray<Place> => {
  const keys = new Set(others.map(keyOf))
  return places.filter((place) => !keys.has(keyOf(place)))
}

const percent = (counts: ReadonlyArray<number>): string =>
  counts.length === 0 ? "100" : ((100 * counts.filter((count) => count > 0).length) / counts.length).toFixed(2)

const files = values.report === undefined ? measure() : read(values.report)
const groups: ReadonlyArray<Group> = JSON.parse(readFileSync(EXCEPTIONS, "utf8"))
const listed = groups.flatMap(({ places }) => places)
const missed = files.flatMap(missesOf)
const unlisted = without(missed, listed)
const outdated = without(listed, missed)
const unexplained = groups.filter(({ reason }) => reason === "").flatMap(({ places }) => places)

for (const place of unlisted) console.log(keyOf(place))
for (const place of outdated) console.log(`no exception any more: ${keyOf(place)}`)
for (const place of unexplained) console.log(`an exception without a reason: ${keyOf(place)}`)
if (values.update) {
  const kept = groups.map(({ places, reason }) => ({ reason, places: without(places, outdated) }))
  const all = [...kept, { reason: "", places: unlisted }].filter(({ places }) => places.length > 0)
  writeFileSync(EXCEPTIONS, `${JSON.stringify(all, undefined, 2)}\n`)
}
const statements = percent(files.flatMap(({ s }) => Object.values(s)))
const branches = percent(files.flatMap(({ b }) => Object.values(b).flat()))
console.log(
  `${files.length} files: ${statements} % of statements, ${branches} % of branches, ${missed.length} places missed`
)
process.exitCode = [unlisted, outdated, unexplained].every(({ length }) => length === 0) ? 0 : 1
