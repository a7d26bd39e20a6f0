/** Writes the dashboard and the rules; with `--check`, tells which of them are not what would be written. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { files } from "./files.ts"

const root = join(import.meta.dirname, "../..")

const differs = ([path, content]: readonly [string, string]): boolean => {
  const file = join(root, path)
  return !existsSync(file) || readFileSync(file, "utf8") !== content
}

const stale = [...files].filter(differs)
const isCheck = process.argv.includes("--check")
for (const [path, content] of stale) {
  if (!isCheck) writeFileSync(join(root, path), content)
  console.log(isCheck ? `${path} is out of date: run \`npm run monitoring\`` : `wrote ${path}`)
}
process.exitCode = isCheck && stale.length > 0 ? 1 : 0
