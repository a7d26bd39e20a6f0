import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path/posix"
import { assert, describe, it } from "vitest"

const adapters = ["http", "ai", "sql", "redis", "persistence"]
const siblings = ["telemetry", ...adapters]
/** From the ground up. The test kit stands just above the adapters; `src/index.ts` is the roof. */
const floors = [
  ["core"],
  ["policy"],
  ["resilience"],
  siblings,
  ["testing"],
  ["admin", "cli", "simulation"],
  ["index.ts"]
]

const limits = new Map([
  ["core", 150],
  ["policy", 250],
  ["resilience", 250],
  ["cli", 150],
  ["testing", 150],
  ...[...adapters, "telemetry"].map((name) => [name, 100] as const)
])

interface Import {
  readonly specifier: string
  readonly line: number
  readonly typeOnly: boolean
  /** The file it leads to, when that is one of ours. */
  readonly target: string | undefined
}

interface Source {
  readonly path: string
  readonly folder: string
  /** The text with its comments blanked: every line keeps its number. */
  readonly code: string
  readonly imports: ReadonlyArray<Import>
}

const stringOrComment = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/.*/g

const names = /(?:[\w$]+\s*,?\s*)?(?:\*\s*(?:as\s+[\w$]+\s+)?|\{[^}]*\}\s*)?/.source
const importing = new RegExp(
  `^[^\\S\\n]*(?:import|export)\\s+(type\\s+(?!from\\b))?${names}from\\s*"([^"]+)"|^[^\\S\\n]*import\\s*"([^"]+)"|\\bimport\\(\\s*"([^"]+)"`,
  "gm"
)

const lineAt = (code: string, index: number): number => code.slice(0, index).split("\n").length

const folderOf = (path: string): string => path.split("/")[1] ?? ""

const targetOf = (path: string, specifier: string): string | undefined => {
  if (specifier.startsWith(".")) return join(dirname(path), specifier)
  return /^effect-resilience(\/|$)/.test(specifier) ? "src/index.ts" : undefined
}

const read = (path: string): Source => {
  const text = readFileSync(path, "utf8")
  const code = text.replaceAll(stringOrComment, (found, string) => string ?? found.replaceAll(/./g, ""))
  const imports = [...code.matchAll(importing)].map(({ 1: type, 2: from, 3: bare, 4: dynamic, index }) => {
    const specifier = from ?? bare ?? dynamic ?? ""
    return { specifier, line: lineAt(code, index), typeOnly: type !== undefined, target: targetOf(path, specifier) }
  })
  return { path, folder: folderOf(path), code, imports }
}

const sources = globSync("src/**/*.ts").toSorted().map(read)

const broken = (violations: ReadonlyArray<string>) => {
  if (violations.length > 0) assert.fail(violations.join("\n"))
}

/** The imports that a rule forbids, each as `file:line imports specifier`. */
const forbidImports = (forbidden: (source: Source, imported: Import) => boolean) =>
  broken(
    sources.flatMap((source) =>
      source.imports
        .filter((imported) => forbidden(source, imported))
        .map(({ line, specifier }) => `${source.path}:${line} imports ${specifier}`)
    )
  )

const missingTests = (folder: string) =>
  broken(
    sources
      .filter((source) => source.folder === folder && !source.path.includes("/internal/"))
      .map(({ path }) => [path, path.replace(/^src(.*)\.ts$/, "test$1.test.ts")] as const)
      .filter(([, test]) => !existsSync(test))
      .map(([path, test]) => `${path}:1 has no ${test}`)
  )

const floorOf = (folder: string): number => floors.findIndex((names) => names.includes(folder))

const effectSource = (specifier: string) => specifier.replace(/^effect\b/, "node_modules/effect/src")

describe("architecture", () => {
  it("every file belongs to a floor", () => {
    assert.notStrictEqual(sources.length, 0)
    broken(sources.filter(({ folder }) => floorOf(folder) === -1).map(({ path }) => `${path}:1 belongs to no floor`))
  })

  it("a file imports its own floor and the floors before it", () => {
    forbidImports(({ folder }, { target }) => target !== undefined && floorOf(folderOf(target)) > floorOf(folder))
  })

  it("only the public face rests on the test kit", () => {
    const allowed = new Set(["testing", "index.ts"])
    forbidImports(
      ({ folder }, { target }) => target !== undefined && folderOf(target) === "testing" && !allowed.has(folder)
    )
  })

  it("the adapters and telemetry never import each other", () => {
    forbidImports(({ folder }, { target }) => {
      const other = folderOf(target ?? "")
      return other !== folder && siblings.includes(folder) && siblings.includes(other)
    })
  })

  it("core imports only core and three pure data modules", () => {
    const pure = new Set(["effect/Duration", "effect/Option", "effect/Result"])
    forbidImports(
      ({ folder }, { specifier, target }) =>
        folder === "core" && (target === undefined ? !pure.has(specifier) : folderOf(target) !== "core")
    )
  })

  it("no barrel of effect is imported", () => {
    forbidImports((_, { specifier }) => /^effect(\/|$)/.test(specifier) && !existsSync(`${effectSource(specifier)}.ts`))
  })

  it("an experimental module of effect is imported by src/persistence only", () => {
    forbidImports(({ folder }, { specifier }) => {
      const file = `${effectSource(specifier)}.ts`
      if (folder === "persistence" || !specifier.startsWith("effect/") || !existsSync(file)) return false
      const header = readFileSync(file, "utf8").split("*/")[0] ?? ""
      return header.includes("@stability experimental")
    })
  })

  it("time and chance come from Effect", () => {
    const ambient = /\b(?:Date\.now|Math\.random|performance\.now|(?:set|clear)(?:Timeout|Interval))\b|\bnew Date\(/g
    const timer = new Set(["setTimeout", "clearTimeout"])
    broken(
      sources.flatMap(({ code, path }) =>
        [...code.matchAll(ambient)]
          .filter(([found]) => !(path === "src/policy/internal/Timer.ts" && timer.has(found)))
          .map(({ 0: found, index }) => `${path}:${lineAt(code, index)} uses ${found}`)
      )
    )
  })

  it("no import cycle exists at run time", () => {
    const importsOf = new Map(sources.map(({ imports, path }) => [path, imports]))
    const finished = new Set<string>()
    const cycles: Array<string> = []
    const visit = (path: string, trail: ReadonlyArray<string>): void => {
      for (const { line, target, typeOnly } of importsOf.get(path) ?? []) {
        if (target === undefined || typeOnly || finished.has(target)) continue
        const from = trail.indexOf(target)
        if (from === -1) visit(target, [...trail, target])
        else cycles.push(`${path}:${line} closes the cycle ${[...trail.slice(from), target].join(" -> ")}`)
      }
      finished.add(path)
    }
    for (const { path } of sources) if (!finished.has(path)) visit(path, [path])
    broken(cycles)
  })

  it("a file stays small enough to read", () => {
    broken(
      sources.flatMap(({ code, folder, path }) => {
        const limit = limits.get(folder) ?? Infinity
        const lines = [...code.split("\n").entries()].filter(([, line]) => line.trim() !== "")
        const [index = 0] = lines[limit] ?? []
        return lines.length > limit
          ? [`${path}:${index + 1} has ${lines.length} lines of code, ${limit} are allowed`]
          : []
      })
    )
  })

  it("a model shares nothing with the machine that it is the model of", () => {
    const imports = globSync("test/models/**/*.ts").flatMap((path) =>
      read(path).imports.map((found) => ({ path, ...found }))
    )
    assert.notStrictEqual(imports.length, 0)
    const shared = imports.filter(({ target }) => /^src\/(core|policy)\//.test(target ?? ""))
    broken(shared.map(({ line, path, specifier }) => `${path}:${line} imports ${specifier}`))
  })

  it("every machine has its test", () => {
    missingTests("core")
  })

  it("every policy has its test", () => {
    missingTests("policy")
  })
})
