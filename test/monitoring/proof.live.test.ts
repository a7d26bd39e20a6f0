import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { describeWith } from "../support/servers.ts"
import { interpolate, queries } from "./support/dashboard.ts"
import { watch } from "./support/day.ts"
import { alerting, recording } from "./support/rules.ts"

/** The whole day at once. */
const windows = { range: 25, rate: 25, interval: 1 }

/** Queries that may have no result on such a day, and why. */
const mayBeEmpty = new Map([
  ["Errors that reached callers", "in the demo a fallback answers every call"],
  [
    "job_service:circuit_breaker_recovery_seconds:mean1h",
    "it looks once in 15 seconds, and the day is as short as that"
  ]
])

interface RuleGroups {
  readonly groups: ReadonlyArray<{
    readonly rules: ReadonlyArray<{ readonly name: string; readonly health: string; readonly lastError?: string }>
  }>
}

describeWith("prometheus")("a day of the demo, in a real Prometheus", () => {
  it.live("has an answer to every query of the dashboard and of the rules", () =>
    Effect.gen(function* () {
      const { endedAt, prometheus } = yield* watch(24)
      const ask = (title: string, expr: string) =>
        Effect.map(prometheus.query(expr, endedAt), (result) => (result.length === 0 ? [title] : []))

      const silent = yield* Effect.forEach(
        [
          ...queries.map(({ expr, title }) => [title, interpolate(expr, windows)] as const),
          ...recording.map(({ expr, record }) => [record!, expr] as const)
        ],
        ([title, expr]) => ask(title, expr)
      )
      expect(silent.flat().filter((title) => !mayBeEmpty.has(title))).toEqual([])

      // An alert has no result while all is well: that Prometheus can evaluate it is all that is asked.
      yield* Effect.forEach(alerting, ({ alert, expr }) => ask(alert!, expr))
      const { groups } = yield* prometheus.api<RuleGroups>("rules")
      const rules = groups.flatMap(({ rules }) => rules)
      expect(rules).toHaveLength(recording.length + alerting.length)
      expect(rules.filter(({ health, lastError = "" }) => health !== "ok" || lastError !== "")).toEqual([])
    }).pipe(Effect.scoped)
  )
})
