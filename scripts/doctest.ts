/**
 * Turns the examples of the documentation into files that tsc checks and vitest runs.
 *
 * In `src` a block takes part when its fence says `ts import.meta.vitest`; in Markdown every `ts` block does, and
 * `ts no-run` is only type-checked. `expression // => value` is an assertion, everything else simply runs.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"

export interface Block {
  readonly path: string
  /** The line of the opening fence, counted from 1. */
  readonly line: number
  readonly run: boolean
  readonly code: ReadonlyArray<string>
}

/** The Markdown documents whose blocks take part. */
export const documents: ReadonlyArray<string> = ["*.md", "docs/**/*.md", "monitoring/**/*.md"]

const indent = (line: string): number => line.search(/\S|$/)

export const extract = (path: string, text: string): ReadonlyArray<Block> => {
  const markdown = path.endsWith(".md")
  const wanted = markdown ? /^ts( |$)/ : /^ts (import\.meta\.vitest|no-run)$/
  const blocks: Array<Block> = []
  let open:
    | { readonly ticks: string; readonly margin: number; readonly info: string; readonly line: number }
    | undefined
  let code: Array<string> = []
  for (const [index, raw] of [...text.split("\n"), undefined].entries()) {
    const content = markdown ? raw : raw?.match(/^\s*\*(?!\/) ?(.*)$/)?.[1]
    const [, margin = "", ticks, rest = ""] = content?.match(/^( *)(`{3,})(.*)$/) ?? []
    if (open === undefined) {
      if (ticks !== undefined) open = { ticks, margin: margin.length, info: rest.trim(), line: index + 1 }
      code = []
    } else if (content === undefined) {
      throw new Error(`${path}:${open.line}: this block is never closed`)
    } else if (ticks !== undefined && ticks.length >= open.ticks.length && rest.trim() === "") {
      if (wanted.test(open.info)) blocks.push({ path, line: open.line, run: !open.info.endsWith(" no-run"), code })
      open = undefined
    } else code.push(content.slice(Math.min(open.margin, indent(content))))
  }
  return blocks
}

/** Rewrites `expression // => value`, also where the expression spans lines or is bound to a name. */
export const assertions = (code: ReadonlyArray<string>): ReadonlyArray<string> => {
  const lines = [...code]
  for (const [end, line] of code.entries()) {
    const [, expression, value] = /^(.*\S)\s*\/\/ => (.+)$/.exec(line) ?? []
    if (expression === undefined) continue
    const continues = (other: string) => /^\s*([.)\]}]|$)/.test(other) || indent(other) > indent(line)
    const start = code.findLastIndex((other, index) => index <= end && !continues(other))
    const bound = /^\s*(?:export )?(?:const|let) (\w+)/.exec(code[start] ?? "")?.[1]
    lines[end] = expression
    if (bound === undefined) lines[start] = lines[start]?.replace(/^\s*/, "$&doctest.assert.deepStrictEqual(") ?? ""
    lines[end] += bound === undefined ? `, ${value})` : `; doctest.assert.deepStrictEqual(${bound}, ${value})`
  }
  return lines
}

const importStatement = /^import\s+(?:[^"]*?\sfrom\s+)?"[^"]+"/gm
const ownTests = /\b(it|test|describe)\b.*"(@effect\/)?vitest"$/

/** Every line keeps the number it has in its document, so that an error of tsc or vitest points at the right one. */
export const generate = ({ code, line, path, run }: Block): string => {
  const file = (header: string, body: string) => `${header}${"\n".repeat(line)}${body}\n`
  if (!run) return file("", code.join("\n"))
  const source = assertions(code).join("\n")
  const imports = source.match(importStatement)?.map((statement) => statement.replaceAll("\n", " ")) ?? []
  // An example that brings its own test cases only registers them: vitest forbids a test inside a test.
  const wrapper = imports.some((statement) => ownTests.test(statement)) ? "describe" : "it"
  const opening = `doctest.${wrapper}("${path}:${line}", async () => {`
  const body = source.replace(importStatement, (found) => found.replaceAll(/./g, "")).replaceAll(/^export (?=\w)/gm, "")
  return file([`import * as doctest from "vitest"`, ...imports, opening].join("; "), `${body}\n})`)
}

if (import.meta.main) {
  const out = "test/.doctest"
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const paths = globSync([...documents, "src/**/*.ts"]).toSorted()
  for (const block of paths.flatMap((path) => extract(path, readFileSync(path, "utf8")))) {
    const name = `${block.path.replaceAll(/[/\\]/g, ".")}.${block.line}${block.run ? ".doctest" : ""}.ts`
    writeFileSync(`${out}/${name}`, generate(block))
  }
}
