/**
 * Tests with real servers, which npm cannot install. On a machine without them they are skipped, and say so; where the
 * environment variable CI_SERVERS is "required", as in CI, they fail.
 */
import { spawnSync } from "node:child_process"
import { globSync } from "node:fs"
import { describe } from "vitest"

const packages = {
  prometheus: "prometheus",
  promtool: "prometheus",
  "redis-server": "redis-server",
  postgres: "postgresql"
} as const

/** A program that a test may need. */
export type Program = keyof typeof packages

/** Debian keeps the programs of each version of PostgreSQL in a folder of their own. */
export const postgresFolder = (): string | undefined =>
  globSync("/usr/lib/postgresql/*/bin")
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1)

/** How to call a program. */
export const pathOf = (program: string): string => {
  const isOnPath = spawnSync(program, ["--version"]).error === undefined
  const folder = isOnPath ? undefined : postgresFolder()
  return folder === undefined ? program : `${folder}/${program}`
}

/** Tests that need a program. */
export const describeWith = (program: Program): typeof describe | typeof describe.skip => {
  const isInstalled = spawnSync(pathOf(program), ["--version"]).error === undefined
  if (isInstalled || process.env["CI_SERVERS"] === "required") return describe
  process.stderr.write(
    `skipped, because ${program} is not installed. On Debian: apt-get install ${packages[program]}\n`
  )
  return describe.skip
}
