/**
 * Where and when figures were measured.
 */
import { cpus, loadavg, platform, release, totalmem } from "node:os"
import { createRequire } from "node:module"
import { readFileSync } from "node:fs"

export interface Machine {
  readonly date: string
  readonly description: string
  readonly load: string
  readonly versions: string
}

const require = createRequire(import.meta.url)

const versionOf = (name: string): string => {
  const path = require.resolve(name).replace(new RegExp(`(node_modules/${name}/).*`), "$1package.json")
  const { version }: { readonly version: string } = JSON.parse(readFileSync(path, "utf8"))
  return `${name} ${version}`
}

const loads = (): string =>
  loadavg()
    .map((load) => load.toFixed(2))
    .join(", ")

export const machine = (): Machine => {
  const [processor] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 10),
    description: `${cpus().length} x ${processor?.model ?? "unknown processor"}, ${memory} GB, ${platform()} ${release()}`,
    load: loads(),
    versions: [`node ${process.versions.node}`, ...["effect", "cockatiel", "opossum"].map(versionOf)].join(", ")
  }
}
