/**
 * Asks the registry what is known against the dependencies, those of development included. Anything from "high" on fails.
 * Who is offline, or has a registry that does not answer such questions, is told that nothing was checked.
 */
import { spawnSync } from "node:child_process"
import { pathToFileURL } from "node:url"

/** What an audit found out. */
export interface Verdict {
  readonly isGood: boolean
  /** One line for people. */
  readonly text: string
}

const SERIOUS = ["high", "critical"] as const

/** Understands what `npm audit --json` has written. */
export const judge = (output: string): Verdict => {
  const report = parse(output)
  const counts = report?.metadata?.vulnerabilities
  if (counts === undefined) {
    const reason = report?.message ?? report?.error?.summary ?? "npm says nothing that makes sense"
    return { isGood: true, text: `not checked: ${reason}` }
  }
  const serious = SERIOUS.reduce((sum, severity) => sum + (counts[severity] ?? 0), 0)
  const dependencies = `${report?.metadata?.dependencies?.total ?? "all"} dependencies`
  const names = Object.entries(report?.vulnerabilities ?? {}).flatMap(([name, { severity }]) =>
    SERIOUS.some((known) => known === severity) ? `${name} (${severity})` : []
  )
  return serious === 0
    ? { isGood: true, text: `checked: nothing from high on is known against ${dependencies}` }
    : {
        isGood: false,
        text: `checked: ${serious} of ${dependencies} are not safe: ${names.join(", ")}`
      }
}

interface Report {
  readonly message?: string
  readonly error?: { readonly summary?: string }
  readonly metadata?: {
    readonly vulnerabilities?: Readonly<Record<string, number>>
    readonly dependencies?: { readonly total?: number }
  }
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity?: string }>>
}

const parse = (output: string): Report | undefined => {
  try {
    return Object(JSON.parse(output)) as Report
  } catch {
    return undefined
  }
}

const main = (): void => {
  const { stdout } = spawnSync("npm", ["audit", "--json", "--fetch-retries=1", "--fetch-timeout=30000"], {
    encoding: "utf8",
    maxBuffer: 2 ** 27,
    timeout: 120_000
  })
  const { isGood, text } = judge(stdout ?? "")
  console.log(text)
  if (!isGood) process.exitCode = 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main()
