import { assert, describe, it } from "vitest"
import { assertions, extract, generate } from "../../scripts/doctest.ts"

const fence = "```"

describe("extract", () => {
  it("takes from a source file the blocks that ask for it, without the margin of the comment", () => {
    const text = [
      "/**",
      " * Adds.",
      " *",
      ` * ${fence}ts import.meta.vitest`,
      " * const sum = {",
      " *   value: 1 + 1",
      " * }",
      " *",
      " * sum.value // => 2",
      ` * ${fence}`,
      " */",
      "export const a = 1",
      "",
      "export interface B {",
      "  /**",
      `   * ${fence}ts`,
      "   * notThisOne()",
      `   * ${fence}`,
      `   * ${fence}ts import.meta.vitest`,
      "   * deeper()",
      `   * ${fence}`,
      "   */",
      "}"
    ].join("\n")
    assert.deepStrictEqual(extract("src/A.ts", text), [
      {
        path: "src/A.ts",
        line: 4,
        run: true,
        code: ["const sum = {", "  value: 1 + 1", "}", "", "sum.value // => 2"]
      },
      { path: "src/A.ts", line: 19, run: true, code: ["deeper()"] }
    ])
  })

  it("takes every ts block of a Markdown file, also inside a list, and no other language", () => {
    const text = [
      `${fence}bash`,
      "npm test",
      fence,
      "- item",
      `  ${fence}ts`,
      "  if (true) {",
      "    run()",
      "  }",
      `  ${fence}`,
      `${fence}tsx`,
      "<No />",
      fence
    ].join("\n")
    assert.deepStrictEqual(extract("README.md", text), [
      { path: "README.md", line: 5, run: true, code: ["if (true) {", "  run()", "}"] }
    ])
  })

  it("leaves a block that is quoted inside a longer fence alone", () => {
    const text = [`${fence}\`md`, `${fence}ts`, "quoted()", fence, `${fence}\``, `${fence}ts`, "real()", fence].join(
      "\n"
    )
    assert.deepStrictEqual(
      extract("docs/a.md", text).map(({ code, line }) => ({ code, line })),
      [{ code: ["real()"], line: 6 }]
    )
  })

  it("marks a no-run block", () => {
    assert.deepStrictEqual(extract("README.md", [`${fence}ts no-run`, "serve()", fence].join("\n")), [
      { path: "README.md", line: 1, run: false, code: ["serve()"] }
    ])
  })

  it("names the line of a block that is never closed", () => {
    assert.throws(() => extract("README.md", ["", `${fence}ts`, "open()"].join("\n")), "README.md:2: ")
    assert.throws(() => extract("src/A.ts", ["/**", ` * ${fence}ts`, " */", "const a = 1"].join("\n")), "src/A.ts:2: ")
  })
})

describe("assertions", () => {
  const rewritten = (...lines: ReadonlyArray<string>) => assertions(lines).join("\n")

  it("turns an expression and its value into an assertion", () => {
    assert.strictEqual(rewritten("add(1, 2) // => 3"), "doctest.assert.deepStrictEqual(add(1, 2), 3)")
    assert.strictEqual(rewritten("  yield* size // => [1]"), "  doctest.assert.deepStrictEqual(yield* size, [1])")
  })

  it("keeps the binding of a value that has a name", () => {
    assert.strictEqual(
      rewritten("const a = await f() // => 1"),
      "const a = await f(); doctest.assert.deepStrictEqual(a, 1)"
    )
  })

  it("finds the first line of an expression that spans several", () => {
    assert.strictEqual(
      rewritten("before()", "f(", "  1,", "", "  g(", "    2", "  )", ") // => 3"),
      "before()\ndoctest.assert.deepStrictEqual(f(\n  1,\n\n  g(\n    2\n  )\n), 3)"
    )
    assert.strictEqual(
      rewritten("const a = b", "  .c({", "    d", "  })", "  .e() // => 3"),
      "const a = b\n  .c({\n    d\n  })\n  .e(); doctest.assert.deepStrictEqual(a, 3)"
    )
  })

  it("leaves other lines and other comments alone", () => {
    assert.strictEqual(
      rewritten("run() // starts", "// => note", "f((x) => x)"),
      "run() // starts\n// => note\nf((x) => x)"
    )
  })
})

describe("generate", () => {
  const block = { path: "docs/a.md", line: 3, run: true }

  it("hoists the imports, names the origin and keeps every line at its number", () => {
    const code = ["import {", "  a", `} from "a"`, `import "b"`, "export const c = a", "c // => 1"]
    assert.deepStrictEqual(generate({ ...block, code }).split("\n"), [
      `import * as doctest from "vitest"; import {   a } from "a"; import "b"; doctest.it("docs/a.md:3", async () => {`,
      "",
      "",
      "",
      "",
      "",
      "",
      "const c = a",
      "doctest.assert.deepStrictEqual(c, 1)",
      "})",
      ""
    ])
  })

  it("only groups the tests that an example brings itself", () => {
    const code = [`import { it } from "@effect/vitest"`, `it("works", () => {})`]
    assert.include(generate({ ...block, code }), `; doctest.describe("docs/a.md:3", async () => {`)
  })

  it("leaves a no-run block as it is, at its own lines", () => {
    const code = [`import { a } from "a"`, "export const b = await a // => 1"]
    assert.strictEqual(generate({ ...block, run: false, code }), `\n\n\n${code.join("\n")}\n`)
  })
})
