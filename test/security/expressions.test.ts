/**
 * No regular expression takes long for any text: each is given the texts that make backtracking expensive, up to 100 kB long.
 * One that doubles its time with each repetition, or squares it, does not end within the limit.
 */
import { globSync, readFileSync } from "node:fs"
import { createContext, Script } from "node:vm"
import { describe, expect, it } from "vitest"

/** A literal, where one can stand. */
const LITERAL =
  /(?<=[=(,:!&|?[{;>]\s*|\breturn\s+)\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+)\/([dgimsuvy]*)/g
const COMMENT = /^(?:#!|\s*(?:\/?\*|\/\/)).*$/gm

const expressions = globSync("src/**/*.ts").flatMap((path) =>
  [...readFileSync(path, "utf8").replaceAll(COMMENT, "").matchAll(LITERAL)].map(([, source = "", flags = ""]) => ({
    path,
    source,
    flags
  }))
)

/** What begins a text that an expression likes, so that the repetition comes where it counts. */
const BEGINNINGS = [
  "",
  "select ",
  "http://",
  "http://x",
  "/resilience",
  "application/json",
  "mon, ",
  "[",
  "E",
  "://",
  ":"
]
const REPEATED = [
  ..."aAé1_/ \t\n.:-#?@*,;([\\\0",
  ..."/**/ ,--\n,--a\n,/*,--,://,/a,1.,aA,E_,A1,jan ,UND_ERR_,?#,\r\n,::,a@,[]".split(",")
]
const ENDS = ["", "\0", "!", "X", "/", "\n"]

interface Text {
  readonly beginning: string
  readonly repeated: string
  readonly length: number
  readonly end: string
}

/** Short ones for time that doubles with each repetition, long ones for time that is squared. */
const texts: ReadonlyArray<Text> = REPEATED.flatMap((repeated, at) =>
  BEGINNINGS.flatMap((beginning, index): ReadonlyArray<Text> => [
    ...ENDS.map((end) => ({ beginning, repeated, length: 60, end })),
    { beginning, repeated, length: 100_000, end: ENDS[(at + index) % ENDS.length]! }
  ])
)

const written = ({ beginning, end, length, repeated }: Text): string =>
  beginning + repeated.repeat(length / repeated.length) + end

const LIMIT_MILLIS = 5_000

/** The text for which an expression does not come to an end in time, if there is one. */
const slowest = (source: string, flags: string, texts: ReadonlyArray<Text>, limit: number): Text | undefined => {
  const expression = new RegExp(source, flags)
  let at = 0
  const run = () => {
    for (; at < texts.length; at++) written(texts[at]!).replace(expression, "")
  }
  try {
    new Script("run()").runInContext(createContext({ run }), { timeout: limit })
    return undefined
  } catch {
    return texts[at]
  }
}

describe("every regular expression", () => {
  it("is found", () => {
    const sources = expressions.map(({ source }) => source)
    expect(sources.length).toBeGreaterThan(30)
    expect(sources).toContain("^([A-Z]+) ")
    expect(sources.some((source) => source.includes("SELECT|SHOW"))).toBe(true)
  })

  it.each(expressions)("takes no time: $path /$source/", { timeout: 60_000 }, ({ flags, source }) => {
    expect(slowest(source, flags, texts, LIMIT_MILLIS)).toBe(undefined)
  })

  it.each([
    ["^(?:a+)+$", { beginning: "", repeated: "a", length: 60, end: "!" }],
    ["/+$", { beginning: "", repeated: "/", length: 100_000, end: "x" }],
    ["[?#].*$", { beginning: "", repeated: "#", length: 100_000, end: "\n" }],
    ["^(?:\\/\\*[\\s\\S]*?\\*\\/)*x", { beginning: "", repeated: "/**/", length: 120, end: "!" }]
  ])("would be noticed: %s", (source, text) => {
    expect(slowest(source, "", [text], 200)).toEqual(text)
  })
})
