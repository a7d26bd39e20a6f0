/**
 * Writes the configuration reference, and checks the links and snippets of all Markdown documents. With `--check`, it only
 * tells whether the reference is what would be written.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { configuration } from "./docs/configuration.ts"
import { brokenLinks, looseSnippets, unlinkedPages } from "./docs/problems.ts"
import { documents as readByDoctest } from "./doctest.ts"

const root = join(import.meta.dirname, "..")
const GENERATED = "docs/configuration.md"

const isCheck = process.argv.includes("--check")
const isStale = !existsSync(join(root, GENERATED)) || readFileSync(join(root, GENERATED), "utf8") !== configuration
if (isStale && !isCheck) {
  writeFileSync(join(root, GENERATED), configuration)
  console.log(`wrote ${GENERATED}`)
}

const paths = globSync("**/*.md", { cwd: root, exclude: ["**/node_modules/**", "dist/**"] }).toSorted()
const documents = new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]))
const extracted = new Set(globSync(readByDoctest, { cwd: root }))
const problems = [
  ...(isStale && isCheck ? [`${GENERATED} is out of date: run \`npm run docs\``] : []),
  ...brokenLinks(documents, (path) => existsSync(join(root, path))),
  ...looseSnippets(documents, (path) => extracted.has(path)),
  ...unlinkedPages(documents, "docs/README.md")
]
for (const problem of problems) console.log(problem)
process.exitCode = problems.length === 0 ? 0 : 1
