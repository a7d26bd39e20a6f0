/**
 * Mutation testing: changes the code in one place at a time, as Stryker does, and looks whether a test fails.
 *
 * A mutant that no test notices must be on the list in `test/exceptions/mutants.json`, with the reason; one that is on the
 * list and is noticed must leave it; and no folder may fall below its floor, which stands there too.
 *
 * `npm run mutation -- --mutate src/core/Bulkhead.ts` tries one file, `--tests` says with which tests, `--workers 2` uses
 * two processes, `--update` brings the list up to date, for somebody to write the reasons.
 */
import { globSync } from "node:fs"
import { parseArgs } from "node:util"
import { instrument, type Mutant } from "./mutation/instrument.ts"
import { mutantsOf, noticed, tried } from "./mutation/results.ts"
import { run } from "./mutation/run.ts"
import * as Survivors from "./mutation/survivors.ts"

const { values } = parseArgs({
  options: {
    mutate: { type: "string", multiple: true, default: ["src/core/**/*.ts", "src/policy/**/*.ts"] },
    tests: {
      type: "string",
      multiple: true,
      default: [
        "test/{core,policy,resilience,testing,telemetry,interactions}/**/*.test.ts",
        "test/scripts/docs.test.ts"
      ]
    },
    workers: { type: "string", default: "1" },
    update: { type: "boolean", default: false }
  }
})

const started = performance.now()
const files = globSync(values.mutate).toSorted()
const tests = globSync(values.tests).filter((file) => !file.endsWith(".live.test.ts"))
const instrumented = await instrument(files)
const results = await run(instrumented, tests, Number(values.workers))
const dead = noticed(results)
const late = mutantsOf(results, "TimedOut")
const reached = tried(results)

const of = (folder: string): ReadonlyArray<Mutant> => instrumented.mutants.filter(({ file }) => file.startsWith(folder))

const score = (mutants: ReadonlyArray<Mutant>): number =>
  (100 * mutants.filter(({ id }) => dead.has(id)).length) / mutants.length

const WIDTH = 44

const printRow = (name: string, mutants: ReadonlyArray<Mutant>): void => {
  const number = (is: (id: string) => boolean): string => String(mutants.filter(({ id }) => is(id)).length).padStart(8)
  const killed = number((id) => dead.has(id) && !late.has(id))
  const survived = number((id) => !dead.has(id) && reached.has(id))
  const counts = [killed, number((id) => late.has(id)), survived, number((id) => !reached.has(id))]
  console.log(`${name.padEnd(WIDTH)}${score(mutants).toFixed(2).padStart(8)} ${counts.join(" ")}`)
}

const printMutants = (
  heading: string,
  mutants: ReadonlyArray<Survivors.Listed & { readonly lineNumber?: number }>
): void => {
  for (const { file, line, lineNumber, mutator, original, replacement } of mutants)
    console.log(`${heading}: ${file}:${lineNumber ?? "?"} ${mutator}\n  ${line}\n  - ${original}\n  + ${replacement}`)
}

console.log(`${"file".padEnd(WIDTH)}   score   killed   no end survived  no test`)
for (const file of files) if (of(file).length > 0) printRow(file, of(file))

const broken = results.flatMap((result) => (result._tag === "Broken" ? [result.test] : []))
for (const test of broken) console.log(`fails without a mutant: ${test}`)

const survivors = Survivors.load()
const { outdated, unlisted } = Survivors.compare(
  Survivors.listedOf(survivors, new Set(files)),
  instrumented.mutants.filter(({ id }) => !dead.has(id))
)
if (values.update) Survivors.update(survivors, { outdated, unlisted })
printMutants("survives without a reason", unlisted)
printMutants("is listed as a survivor, but does not survive", outdated)

const unexplained = survivors.groups.filter(({ reason }) => reason === "").flatMap(({ mutants }) => mutants)
printMutants("is listed without a reason", unexplained)

/** A floor is looked at when all of its folder has been tried. */
const fallen = Object.entries(survivors.floors).filter(([folder, floor]) => {
  if (!globSync(`${folder}/**/*.ts`).every((file) => files.includes(file))) return false
  printRow(`${folder}, at least ${floor} %`, of(folder))
  return score(of(folder)) < floor
})
for (const [folder, floor] of fallen) console.log(`${folder} has fallen below ${floor} %`)

printRow(`all, ${Math.round((performance.now() - started) / 1000)} s`, instrumented.mutants)
const isGood = [broken, unlisted, outdated, unexplained, fallen].every((problems) => problems.length === 0)
process.exitCode = isGood ? 0 : 1
