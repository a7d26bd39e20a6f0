/**
 * Tests with real servers, which npm cannot install. On a machine without them they are skipped, and say so; where the
 * environment variable CI_SERVERS is "required", as in CI, they fail.
 */
import { spawnSync } from "node:child_process"
import { describe } from "vitest"

const packages = { prometheus: "prometheus", promtool: "prometheus" } as const

/** A program that a test may need. */
export type Program = keyof typeof packages

/** Tests that need a program. */
export const describeWith = (program: Program): typeof describe | typeof describe.skip => {
  const isInstalled = spawnSync(program, ["--version"]).error === undefined
  if (isInstalled || process.env["CI_SERVERS"] === "required") return describe
  process.stderr.write(
    `skipped, because ${program} is not installed. On Debian: apt-get install ${packages[program]}\n`
  )
  return describe.skip
}
