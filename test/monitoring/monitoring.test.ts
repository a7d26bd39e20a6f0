import { existsSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { files } from "../../monitoring/generate/files.ts"
import { states } from "../../monitoring/generate/rows/row.ts"
import { CircuitBreaker, Resilience } from "../../src/index.ts"
import { Metrics } from "../../src/telemetry/index.ts"
import { dashboard, interpolate, queries } from "./support/dashboard.ts"
import { read } from "./support/promql.ts"
import { alerting, recording } from "./support/rules.ts"

/** The labels that each metric has, by the name of the metric. */
const labelsOf: Readonly<Record<string, ReadonlyArray<string>>> = {
  "circuit_breaker.state": ["service"],
  "circuit_breaker.successes": ["service"],
  "circuit_breaker.failures": ["service", "exception_type"],
  "circuit_breaker.rejections": ["service"],
  "circuit_breaker.transitions": ["service", "from", "to"],
  "retry.attempts": ["function", "attempt_number", "exception_type"],
  "retry.exhausted": ["function"],
  "retry.success_after_retry": ["function"],
  "timeout.exceeded": ["function", "operation_type", "timeout_seconds"],
  "timeout.duration": ["function", "operation_type"],
  "bulkhead.active_operations": ["resource_type"],
  "bulkhead.queue_depth": ["resource_type"],
  "bulkhead.rejections": ["resource_type", "function"],
  "fallback.used": ["function", "exception_type", "fallback_type"],
  "fallback.cache_hits": ["function", "exception_type"],
  "resilience.pattern_invocations": ["pattern", "outcome"],
  "resilience.pattern_effectiveness": ["pattern"],
  "error.total": ["error_code", "category", "status_code", "retry_policy"]
}

/** Every series that exists, and its labels; `job` comes from Prometheus. */
const series = new Map<string, ReadonlyArray<string>>()
for (const { name, type } of Resilience.instruments) {
  const labels = ["job", ...(labelsOf[name] ?? [])]
  const one = Metrics.seriesName(name)
  if (type !== "histogram") series.set(one, labels)
  else {
    series.set(`${one}_bucket`, [...labels, "le"])
    series.set(`${one}_sum`, labels)
    series.set(`${one}_count`, labels)
  }
}
const declared = new Set(series.keys())
for (const { record = "" } of recording) {
  series.set(record, ["job", "service", ...(record.startsWith("job_service_operation:") ? ["operation_type"] : [])])
}

const everyQuery = [
  ...queries.map(({ expr, legend, title }) => ({ title, expr: interpolate(expr), legend })),
  ...[...recording, ...alerting].map(({ alert, expr, record }) => ({ title: alert ?? record ?? "", expr, legend: "" }))
]

const rows = dashboard.panels.filter(({ type }) => type === "row")
const panels = dashboard.panels.filter(({ type }) => type !== "row")
const rowOf = (y: number): string => rows.findLast(({ gridPos }) => gridPos.y < y)?.title ?? ""

const anchors = new Set(
  [...readFileSync("docs/runbook.md", "utf8").matchAll(/^## (\w+)$/gm)].map(([, heading = ""]) => heading.toLowerCase())
)
const leadsSomewhere = (url: string): boolean => {
  const [page = "", anchor] = url.split("/blob/main/")[1]?.split("#") ?? []
  return existsSync(page) && (anchor === undefined || anchors.has(anchor))
}

describe("generated files", () => {
  it.each([...files])("%s is what the code generates", (path, content) => {
    expect(readFileSync(path, "utf8")).toBe(content)
  })
})

describe("queries", () => {
  it("the reader of queries finds what they read", () => {
    const query =
      'sum by (job, le) (label_replace(increase(a_total{to=~"x|y", from!="b"}[5m] offset 1h), "service", "$1", "function", "(.*)")) or 0 * b:c > bool 0'
    expect(read(query)).toEqual({
      selectors: [
        { metric: "a_total", labels: ["to", "from"] },
        { metric: "b:c", labels: [] }
      ],
      grouped: ["job", "le"],
      renamed: ["function"]
    })
  })

  it("labels are known for every metric", () => {
    expect(Object.keys(labelsOf).toSorted()).toEqual(Resilience.instruments.map(({ name }) => name).toSorted())
  })

  it("read only series that are declared or recorded", () => {
    const unknown = everyQuery.flatMap(({ expr, title }) =>
      read(expr)
        .selectors.filter(({ metric }) => !series.has(metric))
        .map(({ metric }) => `${title}: ${metric}`)
    )
    expect(unknown).toEqual([])
  })

  it("of the dashboard need no rules", () => {
    const recorded = queries.flatMap(({ expr }) =>
      read(interpolate(expr)).selectors.filter(({ metric }) => !declared.has(metric))
    )
    expect(recorded).toEqual([])
  })

  it("of the dashboard show every declared metric", () => {
    const shown = new Set(queries.flatMap(({ expr }) => read(interpolate(expr)).selectors.map(({ metric }) => metric)))
    const missing = Resilience.instruments
      .map(({ name }) => Metrics.seriesName(name))
      .filter((name) => ![name, `${name}_bucket`, `${name}_count`, `${name}_sum`].some((one) => shown.has(one)))
    expect(missing).toEqual([])
  })

  it("match only labels that the series have", () => {
    const wrong = everyQuery.flatMap(({ expr, title }) =>
      read(expr).selectors.flatMap(({ labels, metric }) =>
        labels.filter((label) => !series.get(metric)?.includes(label)).map((label) => `${title}: ${metric}{${label}}`)
      )
    )
    expect(wrong).toEqual([])
  })

  it("group by labels that the series have, and name no other in a legend", () => {
    const wrong = everyQuery.flatMap(({ expr, legend, title }) => {
      const { grouped, renamed, selectors } = read(expr)
      const known = new Set(selectors.flatMap(({ metric }) => series.get(metric) ?? []))
      const results = new Set(renamed.length === 0 ? known : [...known, "service"])
      const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label)
      return [
        ...grouped.filter((label) => !results.has(label)),
        ...renamed.filter((label) => !known.has(label)),
        ...named.filter((label) => !grouped.includes(label))
      ].map((label) => `${title}: ${label}`)
    })
    expect(wrong).toEqual([])
  })

  it("divide by nothing that can be zero", () => {
    const unguarded = / \/ (?!\(|60000|1000|clamp_min\()/
    expect(everyQuery.filter(({ expr }) => unguarded.test(expr))).toEqual([])
    const divisions = everyQuery.flatMap(({ expr, title }) =>
      [...expr.matchAll(/ \/ \(/g)].map(({ index }) => [title, expr.slice(index + 3)] as const)
    )
    expect(divisions.length).toBeGreaterThan(5)
    expect(divisions.filter(([, divisor]) => !closed(divisor).endsWith(" > 0)"))).toEqual([])
  })
})

/** The text up to the parenthesis that closes the first. */
const closed = (text: string): string => {
  let depth = 0
  for (const [index, character] of [...text].entries()) {
    if (character === "(") depth++
    if (character === ")" && --depth === 0) return text.slice(0, index + 1)
  }
  return text
}

describe("dashboard", () => {
  it("can be imported and chooses data source, application and service", () => {
    expect(dashboard).toMatchObject({ title: "Resilience", schemaVersion: 42, refresh: "30s" })
    expect(dashboard.uid.length).toBeLessThanOrEqual(40)
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ["datasource", "datasource"],
      ["job", "query"],
      ["service", "query"]
    ])
  })

  it("has these rows", () => {
    expect(rows.map(({ title }) => title)).toEqual([
      "Circuit breakers",
      "Retries",
      "Timeouts",
      "Bulkheads",
      "Fallbacks",
      "SLOs"
    ])
  })

  it.each([
    ["Circuit breakers", "State by service", "stat"],
    ["Circuit breakers", "Failures over time", "timeseries"],
    ["Circuit breakers", "Success rate", "timeseries"],
    ["Retries", "Retry attempts by function", "heatmap"],
    ["Retries", "Retry exhaustion rate", "timeseries"],
    ["Retries", "Success after retry", "stat"],
    ["Timeouts", "Timeouts by operation type", "piechart"],
    ["Timeouts", "Timeout duration distribution", "heatmap"],
    ["Timeouts", "Violation rate over time", "timeseries"],
    ["Bulkheads", "Active operations by resource", "bargauge"],
    ["Bulkheads", "Rejection rate", "timeseries"],
    ["Bulkheads", "Queue depth", "bargauge"],
    ["Fallbacks", "Fallback invocations", "stat"],
    ["Fallbacks", "Fallback by exception type", "table"],
    ["Fallbacks", "Cache hit rate", "gauge"]
  ])("%s: %s (%s)", (row, title, type) => {
    expect(
      panels.filter((panel) => panel.title === title).map(({ gridPos, type }) => [rowOf(gridPos.y), type])
    ).toEqual([[row, type]])
  })

  it.each([
    ["Retry success > 70 %", 0.7],
    ["Timeouts < 5 %", 0.05],
    ["Bulkhead rejections < 1 %", 0.01],
    ["Fallback usage < 10 %", 0.1],
    ["Recovery time < 5 min", 300],
    ["Breaker false positives < 1 %", 0.01]
  ])("SLOs: %s", (title, target) => {
    const panel = panels.find((panel) => panel.title === title)
    expect(rowOf(panel?.gridPos.y ?? 0)).toBe("SLOs")
    expect(panel?.fieldConfig?.defaults.thresholds.steps.at(-1)?.value).toBe(target)
  })

  it("every panel explains itself and reads from the chosen data source", () => {
    for (const { datasource, description = "", fieldConfig, targets = [], title } of panels) {
      expect(description.length, title).toBeGreaterThan(60)
      expect(fieldConfig?.defaults.unit, title).toBeTruthy()
      expect(fieldConfig?.defaults.thresholds.steps, title).not.toEqual([])
      expect(targets.length, title).toBeGreaterThan(0)
      expect(datasource?.uid, title).toBe("${datasource}")
    }
  })

  it("has panels with ids of their own", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  })

  it("has a grid without overlaps", () => {
    const taken = new Map<string, string>()
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x}:${y}`), title).toBe(undefined)
          taken.set(`${x}:${y}`, title)
        }
      }
    }
  })

  it("calls the states as the metric does", () => {
    const state = Resilience.instruments.find(({ name }) => name === CircuitBreaker.metrics.state)
    const legend = states.map(({ number, text }) => `${number} ${text}`).join(", ")
    expect(state?.description).toContain(legend)
  })

  it("links to chapters of the runbook that exist", () => {
    const urls = panels.flatMap(({ links = [] }) => links.map(({ url }) => url))
    expect(urls.length).toBeGreaterThan(5)
    expect(urls.filter((url) => !leadsSomewhere(url))).toEqual([])
  })
})

describe("alerts", () => {
  it("all have a chapter in the runbook, which has no others", () => {
    expect(alerting.filter(({ annotations }) => !leadsSomewhere(annotations?.runbook_url ?? ""))).toEqual([])
    expect(new Set(alerting.map(({ alert = "" }) => alert.toLowerCase()))).toEqual(anchors)
  })

  it("say how bad it is, which service it is, and the number", () => {
    for (const { alert, annotations, labels } of alerting) {
      expect(["warning", "critical"], alert).toContain(labels?.severity)
      expect(annotations?.summary, alert).toContain("{{ $labels.service }}")
      expect(annotations?.description, alert).toContain("$value")
    }
  })

  it("all fire in a test, and all keep silent in another", () => {
    const tests = ["circuit-breakers", "shares"]
      .map((name) => readFileSync(`monitoring/prometheus/tests/${name}.test.yaml`, "utf8"))
      .join("\n")
    const healthy = readFileSync("monitoring/prometheus/tests/healthy.test.yaml", "utf8")
    for (const { alert, labels } of alerting) {
      expect(tests).toMatch(
        new RegExp(
          `alertname: ${alert}\\n\\s+eval_time: \\w+\\n\\s+exp_alerts:\\n(?:.*\\n)*?.*severity: ${labels?.severity}`
        )
      )
      expect(healthy).toContain(`alertname: ${alert},`)
    }
  })
})
