import { Duration } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { Pipeline, type Policy } from "../../src/index.ts"
import * as Variables from "../../src/resilience/internal/variables.ts"
import { configuration, written } from "../../scripts/docs/configuration.ts"
import { anchorsIn, fencesIn, linksIn, table } from "../../scripts/docs/markdown.ts"
import { brokenLinks, looseSnippets, unlinkedPages } from "../../scripts/docs/problems.ts"

const fence = "```"

const document = (...lines: ReadonlyArray<string>): string => lines.join("\n")

describe("a Markdown document", () => {
  it("has the anchors that GitHub makes of its headings", () => {
    const text = document(
      "# The order, and why",
      "## `Resilience.layer({ ... })`",
      "### [A link](page.md) & more_words",
      "## Größe",
      "## Twice",
      "## Twice",
      "#no heading",
      fence,
      "# not in a block",
      fence,
      "## CircuitBreakerOpen ##"
    )
    assert.deepStrictEqual(
      [...anchorsIn(text)],
      [
        "the-order-and-why",
        "resiliencelayer--",
        "a-link--more_words",
        "größe",
        "twice",
        "twice-1",
        "circuitbreakeropen"
      ]
    )
  })

  it("has links, images and definitions, but none in code", () => {
    const text = document(
      "[one](a.md) and [![two](b.svg)](c.md#d)",
      '[three](d.md "a title") `[not](this.md)` ``[nor](`that`.md)``',
      "[four]: e.md",
      "",
      `${fence}ts`,
      "[not](in-a-block.md)",
      fence,
      "[five](<f.md>)"
    )
    assert.deepStrictEqual(linksIn(text), [
      { target: "a.md", line: 1 },
      { target: "b.svg", line: 1 },
      { target: "c.md#d", line: 1 },
      { target: "d.md", line: 2 },
      { target: "e.md", line: 3 },
      { target: "f.md", line: 8 }
    ])
  })

  it("has fenced blocks, also in a list, and a longer fence holds a shorter one", () => {
    const text = document(
      "- item",
      `  ${fence}ts no-run`,
      `  ${fence}`,
      `${fence}\``,
      `${fence}ts`,
      fence,
      `${fence}\``
    )
    assert.deepStrictEqual(fencesIn(text), [
      { info: "ts no-run", line: 2 },
      { info: "", line: 4 }
    ])
  })

  it("can be given a table with columns of one width", () => {
    assert.strictEqual(
      table(["a", "b"], [["wide cell", "x | y"], ["1"]]),
      document("| a         | b      |", "| --------- | ------ |", "| wide cell | x \\| y |", "| 1         |        |")
    )
  })
})

describe("links", () => {
  const check = (text: string, path = "docs/guide.md") =>
    brokenLinks(
      new Map([
        [path, text],
        ["README.md", "# Start"],
        ["docs/other.md", "# There"]
      ]),
      (file) => ["README.md", "docs/other.md", "docs/guide.md", "src"].includes(file)
    )

  it("lead to files, folders and headings that exist", () => {
    assert.deepStrictEqual(
      check(
        document(
          "# Here",
          "[a](other.md#there) [b](../README.md#start) [c](#here) [d](../src) [e](https://example.com/x#y) [f](mailto:a@b.c)"
        )
      ),
      []
    )
  })

  it("that lead nowhere are told with their line", () => {
    assert.deepStrictEqual(
      check(document("", "[a](gone.md)", "[b](other.md#gone) [c](#gone)", "[d](../../up.md)", "[e](/README.md)")),
      [
        "docs/guide.md:2 links to gone.md, which does not exist",
        "docs/guide.md:3 links to other.md#gone, but docs/other.md has no such heading",
        "docs/guide.md:3 links to #gone, but docs/guide.md has no such heading",
        "docs/guide.md:4 links to ../../up.md, outside the repository",
        "docs/guide.md:5 links to /README.md, outside the repository"
      ]
    )
  })

  it("lead from the index to every page beside it", () => {
    const documents = new Map([
      ["docs/README.md", "[a](a.md#b)"],
      ["docs/a.md", ""],
      ["docs/b.md", ""],
      ["docs/deeper/c.md", ""],
      ["README.md", ""]
    ])
    assert.deepStrictEqual(unlinkedPages(documents, "docs/README.md"), ["docs/README.md does not link to docs/b.md"])
  })
})

describe("snippets", () => {
  const block = (info: string) => document(`${fence}${info}`, "1", fence)

  it("of TypeScript that the doctest does not extract are told", () => {
    const documents = new Map([
      ["docs/a.md", document(block("ts"), block("ts no-run"), block("bash"), block("typescript"), block("tsx"))],
      ["elsewhere/b.md", block("ts")]
    ])
    assert.deepStrictEqual(
      looseSnippets(documents, (path) => path.startsWith("docs/")),
      [
        "docs/a.md:10 is a block of typescript that the doctest does not extract",
        "docs/a.md:13 is a block of tsx that the doctest does not extract",
        "elsewhere/b.md:1 is a block of ts that the doctest does not extract"
      ]
    )
  })
})

describe("the configuration reference", () => {
  const rows = configuration.split("\n").filter((line) => line.startsWith("| `"))
  const rowOf = (variable: string) => rows.find((line) => line.includes(`\`${variable}\``)) ?? ""

  it("is what the code generates", () => {
    assert.isTrue(existsSync("docs/configuration.md"))
    assert.strictEqual(readFileSync("docs/configuration.md", "utf8"), configuration)
  })

  it("has every variable", () => {
    assert.deepStrictEqual(
      Variables.namesFor([]).filter((name) => !new RegExp(`\\b${name}\\b`).test(configuration)),
      []
    )
  })

  it("has every option of every pattern", () => {
    for (const { options } of Object.values<Policy.AnyKind>(Pipeline.order)) {
      for (const name of Object.keys((options as unknown as { readonly fields: object }).fields)) {
        assert.isTrue(
          rows.some((line) => line.startsWith(`| \`${name}\``)),
          name
        )
      }
    }
  })

  it("tells default, condition and meaning", () => {
    assert.match(
      rowOf("CIRCUIT_BREAKER_FAIL_MAX"),
      /`consecutiveFailures` +\|.*\| `5` +\| a whole number of at least 1 +\| Failures in a row .* Only with `tripPolicy` `"consecutive"`/
    )
    assert.match(rowOf("CIRCUIT_BREAKER_WINDOW_SIZE"), /\. Fixed +\|$/)
    assert.notMatch(rowOf("CIRCUIT_BREAKER_FAIL_MAX"), /Fixed/)
    assert.match(rowOf("BULKHEAD_QUEUE_TIMEOUT"), /`"30 seconds"`; `make`: none/)
    assert.match(rowOf("RETRY_JITTER"), /`RETRY_JITTER_STRATEGY`, `RETRY_JITTER` \(true or false\)/)
    assert.match(configuration, /\| `openfga` .*`circuitBreaker.consecutiveFailures: 10`/)
  })
})

describe("values in the reference", () => {
  const duration = (input: unknown) => Duration.fromInputUnsafe(input as Duration.Input)

  it("are written as they would be in code", () => {
    const values = [
      "x",
      3,
      true,
      [],
      ["x"],
      ...["1 second", "90 seconds", "2 hours", "250 millis", Infinity, 0].map(duration)
    ]
    assert.deepStrictEqual(values.map(written), [
      '"x"',
      "3",
      "true",
      "[]",
      '["x"]',
      '"1 second"',
      '"90 seconds"',
      '"2 hours"',
      '"250 millis"',
      "Infinity",
      '"0 millis"'
    ])
  })
})
