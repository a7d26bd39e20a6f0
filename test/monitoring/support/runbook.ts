/**
 * The runbook.
 */
import { readFileSync } from "node:fs"

const runbook = readFileSync("docs/runbook.md", "utf8")

/** The chapters by their headings. */
export const chapters = new Map(
  runbook.split(/^## /m).map((chapter) => [chapter.slice(0, chapter.indexOf("\n")), chapter] as const)
)

/** The blocks of a language. */
export const blocks = (text: string, language: string): ReadonlyArray<string> =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(([, block = ""]) => block.trim())

/** The queries, each in a line of its own. */
export const queries = blocks(runbook, "promql").flatMap((block) => block.split("\n"))
