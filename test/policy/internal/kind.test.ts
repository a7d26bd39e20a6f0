import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { bundle } from "../../../benchmark/measures/bundle.ts"
import { Bulkhead, CircuitBreaker, Deadline, Retry, Timeout } from "../../../src/index.ts"

const patterns = { Bulkhead, CircuitBreaker, Deadline, Retry, Timeout }

const textOf = async (pattern: string, use: string): Promise<string> => {
  const program = `import { ${pattern} } from "effect-resilience"\nexport const used = ${pattern}.${use}`
  const { path } = await bundle(`kind-${pattern}-${use}`, program)
  return readFileSync(path, "utf8")
}

describe.each(Object.entries(patterns))("a program that uses %s", (name, { Kind }) => {
  const texts = [
    ...Kind.instruments.map((instrument) => instrument.name),
    ...Kind.commands.map((command) => command.description)
  ]

  it("contains neither metrics nor commands when it makes instances itself", async () => {
    const text = await textOf(name, "make")
    expect(text).toContain("invalid options")
    expect(texts.filter((one) => text.includes(one))).toEqual([])
  })

  it("contains them when it asks for an instance by name", async () => {
    const text = await textOf(name, `with${name}`)
    expect(texts.filter((one) => !text.includes(one))).toEqual([])
  })
})

it("a program that reads the traits of errors contains nothing that gives them", async () => {
  expect(await textOf("ErrorTraits", "annotate")).toContain("contradicts the trait")
  expect(await textOf("Classifier", "classify")).not.toContain("contradicts the trait")
})
