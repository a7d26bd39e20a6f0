import { describe, expect, it } from "vitest"
import { Resilience } from "../../src/index.ts"
import { Metrics } from "../../src/telemetry/index.ts"
import { dashboard } from "./support/dashboard.ts"
import { read } from "./support/promql.ts"
import { alerting, recording } from "./support/rules.ts"
import { blocks, chapters, queries } from "./support/runbook.ts"

const alerts = [...new Set(alerting.flatMap(({ alert }) => alert ?? []))]

/** Every series that exists. */
const series = new Set([
  ...Resilience.instruments.flatMap(({ name, type }) => {
    const one = Metrics.seriesName(name)
    return type === "histogram" ? [`${one}_bucket`, `${one}_sum`, `${one}_count`] : [one]
  }),
  ...recording.flatMap(({ record }) => record ?? [])
])

const titles = new Set(dashboard.panels.map(({ title }) => title))

describe("runbook", () => {
  it.each(alerts)(
    "says of %s what it means, where to look, what to do, whether to isolate, when it is over",
    (alert) => {
      const chapter = chapters.get(alert) ?? ""
      for (const part of ["Meaning.", "First look.", "What to do.", "Isolate?", "Recovered"]) {
        expect(chapter).toContain(`**${part}`)
      }
      expect(blocks(chapter, "promql")).not.toEqual([])
      expect(blocks(chapter, "bash")).not.toEqual([])
    }
  )

  it("reads only series that exist", () => {
    const unknown = queries.flatMap((query) => read(query).selectors.filter(({ metric }) => !series.has(metric)))
    expect(queries.length).toBeGreaterThanOrEqual(alerts.length)
    expect(unknown).toEqual([])
  })

  it("speaks of panels that exist", () => {
    const looks = alerts.flatMap((alert) => /\*\*First look\.\*\*.*?\n\n/s.exec(chapters.get(alert) ?? "") ?? [])
    const named = looks.flatMap((look) =>
      [...look.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title.replaceAll("\n", " "))
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((title) => !titles.has(title))).toEqual([])
  })
})
