/**
 * Small programs as one file, everything they need of Effect left outside.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"

const root = join(import.meta.dirname, "../..")

/** Inside the package, so that programs find their modules from there. */
const folder = join(root, "node_modules/.cache/benchmark")

export interface Bundle {
  readonly path: string
  /** Minified and compressed. */
  readonly bytes: number
}

/** Bundles the text of a program. */
export const bundle = async (name: string, program: string): Promise<Bundle> => {
  mkdirSync(folder, { recursive: true })
  const input = join(folder, `${name}.in.mjs`)
  writeFileSync(input, program)
  const build = await rolldown({
    input,
    cwd: root,
    platform: "node",
    external: /^(effect|@effect\/.*)(\/|$)/,
    resolve: { conditionNames: ["effect-resilience-source", "import", "default"] }
  })
  const path = join(folder, `${name}.mjs`)
  const { output } = await build.write({ file: path, format: "esm", minify: true })
  await build.close()
  rmSync(input)
  return { path, bytes: gzipSync(output[0].code, { level: 9 }).length }
}
