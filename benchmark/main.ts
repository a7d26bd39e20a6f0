/**
 * `npm run bench`: what the policies cost, beside what others cost, in one run.
 */
import { writeFileSync } from "node:fs"
import { behind } from "./behind.ts"
import { type Case, isMet, isMissed, type Result, resultOf } from "./case.ts"
import { type Section, sections } from "./cases/index.ts"
import { help, options, settings } from "./options.ts"
import { jsonOf } from "./report/json.ts"
import { machine } from "./report/machine.ts"
import { type Chapter, page } from "./report/page.ts"
import { linesOf } from "./report/terminal.ts"

const PAGE = new URL("../docs/performance.md", import.meta.url)

/** With `--json`, only the object goes to the standard output. */
const print = options.json ? console.error : console.log

const isChosen = ({ isSlow = false, name }: Case): boolean =>
  name.includes(options.filter) && !(options.quick && isSlow)

const chosen = ({ cases, title }: Section): ReadonlyArray<Section> => {
  const some = cases.filter(isChosen)
  return some.length === 0 ? [] : [{ title, cases: some.map((one) => ({ ...one, behind: behind[one.name] })) }]
}

const measure = async ({ cases, title }: Section): Promise<Chapter> => {
  print(`\n# ${title}\n`)
  const results: Array<Result> = []
  for (const one of cases) {
    globalThis.gc?.()
    const result = await resultOf(one, settings)
    for (const line of linesOf(result)) print(line)
    results.push(result)
  }
  return { title, results }
}

const list = (title: string, results: ReadonlyArray<Result>): void => {
  if (results.length === 0) return
  print(title)
  for (const { name } of results) print(`  ${name}`)
}

const main = async (): Promise<void> => {
  if (options.help) return console.log(help)
  const about = machine()
  print(`${about.description}\n${about.versions}\nload ${about.load}`)
  const some = sections.flatMap(chosen)
  for (const { cases } of some) for (const { warm } of cases) await warm?.()
  const chapters: Array<Chapter> = []
  for (const section of some) chapters.push(await measure(section))
  const results = chapters.flatMap(({ results }) => results)
  const missed = results.filter(isMissed)
  list(
    `\nnot reached yet, but no worse than before:`,
    results.filter((result) => !isMet(result) && !isMissed(result))
  )
  list("\nmissed:", missed)
  print(`\ntargets met in ${results.filter(isMet).length} of ${results.length} cases, missed in ${missed.length}`)
  if (options.json) console.log(JSON.stringify({ cases: results.map(jsonOf) }))
  if (options.write) writeFileSync(PAGE, page(about, chapters))
  process.exitCode = missed.length === 0 ? 0 : 1
}

await main()
