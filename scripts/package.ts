/** Installs the packed tarball into an empty project and uses it there as a stranger would: no sources, no conditions. */
import { spawnSync } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"

const root = join(import.meta.dirname, "..")
const project = mkdtempSync(join(tmpdir(), "effect-resilience-"))
const installed = join(project, "node_modules/effect-resilience")

const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): void => {
  const { status } = spawnSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] })
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed`)
}

/** What the command line says, and the number with which it ends, in the empty project. */
const commandLine = (...args: ReadonlyArray<string>): { readonly output: string; readonly exitCode: number | null } => {
  const { status, stderr, stdout } = spawnSync("npx", ["effect-resilience", ...args], {
    cwd: project,
    encoding: "utf8",
    env: { ...process.env, npm_config_offline: "true", RETRY_MAX_ATTEMPTS: "many" }
  })
  return { output: `${stdout}${stderr}`, exitCode: status }
}

const expectCommandLine = (exitCode: number, output: string, ...args: ReadonlyArray<string>): void => {
  const found = commandLine(...args)
  if (found.exitCode === exitCode && found.output.includes(output)) return
  throw new Error(`npx effect-resilience ${args.join(" ")} ended with ${found.exitCode}:\n${found.output}`)
}

const link = (name: string): void => {
  mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true })
  symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name))
}

interface Manifest {
  readonly version: string
  readonly exports: Readonly<Record<string, string | { readonly default: string } | null>>
}

const readManifest = (): Manifest => JSON.parse(readFileSync(join(installed, "package.json"), "utf8"))

const subpaths = (): ReadonlyArray<string> => {
  return Object.entries(readManifest().exports).flatMap(([subpath, target]) => {
    if (target === null || typeof target === "string") return []
    if (!subpath.includes("*")) return [subpath]
    return globSync(target.default, { cwd: installed }).map((file) => subpath.replace("*", basename(file, ".js")))
  })
}

const consumer = (modules: ReadonlyArray<string>) => `
import { Effect } from "effect"
import { CircuitBreaker } from "effect-resilience"
${modules.map((subpath, index) => `import * as module${index} from "${join("effect-resilience", subpath)}"`).join("\n")}

export const modules = [${modules.map((_, index) => `module${index}`).join(", ")}]

const guarded: Effect.Effect<number, CircuitBreaker.CircuitBreakerOpenError> = CircuitBreaker.make().pipe(
  Effect.flatMap((breaker) => Effect.succeed(1).pipe(CircuitBreaker.withCircuitBreaker(breaker)))
)

if ((await Effect.runPromise(guarded)) !== 1) throw new Error("the guarded effect lost its value")
`

const compilerOptions = {
  module: "NodeNext",
  target: "ES2023",
  // The declarations of effect mention types of the DOM. Ours are checked together with them, so none is skipped.
  lib: ["ES2023", "DOM"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true
}

try {
  run(root, "npm", "pack", "--silent", "--pack-destination", project)
  writeFileSync(join(project, "package.json"), `{ "private": true, "type": "module" }`)
  run(project, "npm", "install", "--silent", "--offline", "--legacy-peer-deps", ...globSync("*.tgz", { cwd: project }))
  for (const name of ["effect", "@types/node"]) link(name)
  writeFileSync(join(project, "consumer.ts"), consumer(subpaths()))
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }))
  run(project, process.execPath, "consumer.ts")
  run(project, join(root, "node_modules/.bin/tsc"))
  expectCommandLine(1, "npm install @effect/platform-node", "--help")
  link("@effect/platform-node")
  expectCommandLine(0, "isolate", "--help")
  expectCommandLine(0, readManifest().version, "--version")
  expectCommandLine(1, "RETRY_MAX_ATTEMPTS: expected a whole number", "config", "check")
  console.log(`imported ${subpaths().length} subpaths of the packed package`)
} finally {
  rmSync(project, { recursive: true })
}
