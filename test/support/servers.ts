/**
 * Tests with real servers, which npm cannot install. On a machine without them they are skipped, and say so; where the
 * environment variable CI_SERVERS is "required", as in CI, they fail.
 */
import { describe } from "vitest"
import { isInstalled, packages, type Program } from "./programs.ts"

/** Tests that need a program. */
export const describeWith = (program: Program): typeof describe | typeof describe.skip => {
  if (isInstalled(program) || process.env["CI_SERVERS"] === "required") return describe
  process.stderr.write(
    `skipped, because ${program} is not installed. On Debian: apt-get install ${packages[program]}\n`
  )
  return describe.skip
}
