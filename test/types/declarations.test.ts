import { spawnSync } from "node:child_process"
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"

const root = join(import.meta.dirname, "../..")
const stringOrComment = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\/\*[\s\S]*?\*\/|\/\/.*/g

let out = ""

beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), "declarations-"))
  const tsc = join(root, "node_modules/.bin/tsc")
  spawnSync(tsc, ["-p", "tsconfig.build.json", "--emitDeclarationOnly", "--declarationMap", "false", "--outDir", out], {
    cwd: root
  })
}, 60_000)

afterAll(() => rmSync(out, { recursive: true }))

/** The lines of all declarations in which a word occurs, outside of comments and strings. */
const linesWith = (word: RegExp): ReadonlyArray<string> =>
  globSync("**/*.d.ts", { cwd: out }).flatMap((file) =>
    readFileSync(join(out, file), "utf8")
      .replaceAll(stringOrComment, (found) => found.replaceAll(/[^\n]/g, " "))
      .split("\n")
      .flatMap((line, at) => (word.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : []))
  )

describe("the declarations of the package", () => {
  it("exist for every source file", () => {
    const sources = globSync("**/*.ts", { cwd: join(root, "src") }).map((file) => file.replace(/\.ts$/, ".d.ts"))
    assert.deepStrictEqual(globSync("**/*.d.ts", { cwd: out }).toSorted(), sources.toSorted())
  })

  it("never mention any", () => {
    assert.deepStrictEqual(linesWith(/\bany\b/), [])
  })

  it("would be found out if they did", () => {
    assert.notStrictEqual(linesWith(/\bunknown\b/).length, 0)
  })
})
