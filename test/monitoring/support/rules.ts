/**
 * The committed rules.
 */
import { readFileSync } from "node:fs"
import { parse } from "yaml"

/** A rule. */
export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly labels?: { readonly severity: string }
  readonly annotations?: { readonly summary: string; readonly description: string; readonly runbook_url: string }
}

const rulesOf = (name: string): ReadonlyArray<Rule> => {
  const { groups }: { groups: ReadonlyArray<{ readonly rules: ReadonlyArray<Rule> }> } = parse(
    readFileSync(`monitoring/prometheus/${name}.rules.yaml`, "utf8")
  )
  return groups.flatMap(({ rules }) => rules)
}

/** The rules that record. */
export const recording = rulesOf("recording")

/** The rules that alert. */
export const alerting = rulesOf("alerting")
