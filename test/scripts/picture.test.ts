import { describe, expect, it } from "vitest"
import type { Point, Series } from "../../scripts/picture/answers.ts"
import { buckets, spans } from "../../scripts/picture/colors.ts"
import { drawPage, drawPanel } from "../../scripts/picture/page.ts"
import { shorten, widthOf } from "../../scripts/picture/svg.ts"
import { display, format, ticks } from "../../scripts/picture/values.ts"
import { dashboard, type Panel } from "../monitoring/support/dashboard.ts"

const pointsOf = (...values: ReadonlyArray<number | null>): ReadonlyArray<Point> =>
  values.map((value, time) => ({ time, value }))

const seriesOf = (name: string, ...values: ReadonlyArray<number | null>): Series => ({
  name,
  labels: { service: name },
  points: pointsOf(...values)
})

/** A panel of the dashboard. */
const panel = (title: string): Panel => {
  const found = dashboard.panels.find((panel) => panel.title === title)
  if (found === undefined) throw new Error(`no panel ${title}`)
  return found
}

/** What can be read in a picture. */
const textsOf = (svg: string): ReadonlyArray<string> =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => text)

describe("a panel", () => {
  it("without data says so, in its own words where it has some", async () => {
    expect(textsOf(await drawPanel(panel("Success rate"), []))).toEqual(["Success rate", "No data"])
    expect(textsOf(await drawPanel(panel("Errors that reached callers"), []))).toEqual([
      "Errors that reached callers",
      "none"
    ])
  })

  it("escapes what it is given", async () => {
    const hostile = `<a href="b">&`
    for (const title of [
      "Success rate",
      "State by service",
      "State over time",
      "Queue depth",
      "Retry attempts by function"
    ]) {
      const svg = await drawPanel({ ...panel(title), title: hostile }, [seriesOf(hostile, 0, 1, 1)])
      expect(svg, title).not.toContain("<a ")
      expect(svg, title).toContain("&lt;a href")
      expect(svg.replaceAll(/&(lt|gt|amp|quot);/g, ""), title).not.toContain("&")
    }
  })

  it("shows states by name and colour, over time and now", async () => {
    const series = [seriesOf("llm", ...Array.from({ length: 20 }, () => 0), ...Array.from({ length: 20 }, () => 1), 2)]
    const overTime = await drawPanel(panel("State over time"), series)
    expect(textsOf(overTime).filter((text) => /^[a-z-]+$/.test(text))).toEqual([
      "llm",
      "closed",
      "open",
      "closed",
      "open",
      "half-open"
    ])
    for (const color of ["#73bf69", "#f2495c", "#fade2a"]) expect(overTime).toContain(`fill="${color}"`)
    expect(textsOf(await drawPanel(panel("State by service"), series))).toContain("half-open")
  })

  it("lists the series below the chart, the highest first, and counts those that have no room", async () => {
    const series = Array.from({ length: 8 }, (_, index) => seriesOf(`service ${index}`, 0, index * 100))
    const texts = textsOf(await drawPanel(panel("Calls turned away"), series))
    expect(texts.slice(texts.indexOf("Name"))).toEqual([
      "Name",
      "Last *",
      "Max",
      ...[7, 6, 5, 4, 3].flatMap((index) => [`service ${index}`, `${index}00 c/m`, `${index}00 c/m`]),
      "and 3 more"
    ])
  })

  it("draws a cell for every count of a heatmap that is not zero, and none before the day began", async () => {
    const svg = await drawPanel(panel("Retry attempts by function"), [seriesOf("llm", 9, 1, 0, 2)])
    expect([...svg.matchAll(/<path d="[^"]*" fill="[^"]*" stroke="#181b1f"/g)]).toHaveLength(2)
  })

  it("shows a table with the greatest count first", async () => {
    const line = (exception_type: string, count: number): Series => ({
      name: "",
      labels: { service: "llm", exception_type, fallback_type: "value", job: "gateway" },
      points: pointsOf(count)
    })
    const svg = await drawPanel(panel("Fallback by exception type"), [line("Rare", 7), line("Frequent", 1234)])
    expect(textsOf(svg).slice(1).join(" | ")).toBe(
      "Service | Error | Answered by | Job | Count | " +
        "llm | Frequent | value | gateway | 1,234 | llm | Rare | value | gateway | 7"
    )
  })
})

describe("the page", () => {
  it("has a place for every panel of the dashboard, and no two parts with the same id", async () => {
    const labels = (le: string): Series => ({ name: "", labels: { le }, points: pointsOf(0, 3, 5) })
    const page = await drawPage("Resilience", "of a test", dashboard.panels, ({ type }) =>
      type === "heatmap" ? [labels("1"), labels("+Inf")] : []
    )
    const texts = textsOf(page)
    for (const { title } of dashboard.panels)
      expect(texts).toContain(title.replaceAll("<", "&lt;").replaceAll(">", "&gt;"))
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    expect(ids).toHaveLength(2)
    expect(new Set(ids).size).toBe(2)
  })

  it("refuses a panel that it cannot draw", async () => {
    await expect(drawPanel({ ...panel("Success rate"), type: "news" }, [])).rejects.toThrow("news")
  })
})

describe("values", () => {
  it.each([
    [0.1234, { unit: "percentunit" }, "12.3%"],
    [0.1234, { unit: "percentunit", decimals: 0 }, "12%"],
    [0.0421, { unit: "s" }, "42.1 ms"],
    [34.84, { unit: "s", decimals: 1 }, "34.8 s"],
    [150, { unit: "s" }, "2.5 min"],
    [708, { unit: "cpm" }, "708 c/m"],
    [2450, { unit: "cpm" }, "2.45K c/m"],
    [1457, { unit: "locale", decimals: 0 }, "1,457"],
    [1457, { unit: "short", decimals: 0 }, "1 K"]
  ])("%d as %j is %s", (value, field, text) => {
    expect(format(value, field)).toBe(text)
  })

  it("have the colour of the threshold that they have reached", () => {
    const thresholds = {
      steps: [
        { color: "green", value: null },
        { color: "red", value: 0.1 }
      ]
    }
    const colorAt = (value: number): string => display(value, { unit: "percentunit", thresholds }).color
    expect([0.09, 0.1].map(colorAt)).toEqual(["#73bf69", "#f2495c"])
  })

  it("stand on an axis of round numbers that goes above them", () => {
    expect(ticks(912)).toEqual([0, 250, 500, 750, 1000])
    expect(ticks(1)).toEqual([0, 0.25, 0.5, 0.75, 1])
    expect(ticks(9, true)).toEqual([0, 5, 10])
    expect(ticks(0)).toEqual(ticks(1))
  })

  it("that stay the same make one span, and a gap ends it", () => {
    expect(spans(seriesOf("llm", 0, 0, 1, null, 1))).toEqual([
      { name: "llm", time: 0, until: 2, value: 0 },
      { name: "llm", time: 2, until: 3, value: 1 },
      { name: "llm", time: 4, until: 4, value: 1 }
    ])
  })

  it("of a bucket do not include those of the lower ones", () => {
    const bucket = (le: string, ...values: ReadonlyArray<number>): Series => ({
      name: le,
      labels: { le },
      points: pointsOf(...values)
    })
    const found = buckets([bucket("+Inf", 9, 9), bucket("10", 5, 8), bucket("2", 1, 8)], (limit) => `${limit} s`)
    expect(found.map(({ name, points }) => [name, points.map(({ value }) => value)])).toEqual([
      ["2 s", [1, 8]],
      ["10 s", [4, 0]],
      ["+Inf", [4, 1]]
    ])
  })
})

describe("shorten", () => {
  it("cuts only what has no room", () => {
    const title = "Replicas with a circuit that is not closed"
    expect(shorten(title, 14, widthOf(title, 14))).toBe(title)
    const short = shorten(title, 14, 100)
    expect(short).toMatch(/^Replicas.*…$/)
    expect(widthOf(short, 14)).toBeLessThanOrEqual(100)
  })
})
