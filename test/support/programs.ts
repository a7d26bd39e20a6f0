/**
 * Programs that npm cannot install.
 */
import { spawnSync } from "node:child_process"
import { globSync } from "node:fs"

/** By what package of Debian they come. */
export const packages = {
  prometheus: "prometheus",
  promtool: "prometheus",
  "redis-server": "redis-server",
  postgres: "postgresql",
  script: "bsdutils"
} as const

/** A program that a test or an example may need. */
export type Program = keyof typeof packages

const runs = (path: string): boolean => spawnSync(path, ["--version"]).error === undefined

/** Debian keeps the programs of each version of PostgreSQL in a folder of their own. */
const postgresFolder = (): string | undefined =>
  globSync("/usr/lib/postgresql/*/bin")
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1)

/** How to call a program. */
export const pathOf = (program: string): string => {
  const folder = runs(program) ? undefined : postgresFolder()
  return folder === undefined ? program : `${folder}/${program}`
}

/** Whether a program can be called. */
export const isInstalled = (program: Program): boolean => runs(pathOf(program))
