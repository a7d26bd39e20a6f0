import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Metric, Schema } from "effect"
import { Policy } from "../../../src/index.ts"
import * as Metrics from "../../../src/resilience/internal/Metrics.ts"
import { scrape } from "../support/scrape.ts"
import { inWorld } from "../support/world.ts"

interface Lamp extends Policy.Instance {
  readonly lumen: { value: number }
}

const makeLamp = (service: string): Lamp => ({
  kind: "lamp",
  service,
  describe: () => "shines",
  snapshot: () => ({ kind: "lamp", service }),
  lumen: { value: 5 }
})

const breakDown = (): never => {
  throw new Error("broken")
}

const numbers = { description: "", unit: "1" }
const labels = ({ service }: { readonly service: string }): Policy.Labels => ({ service })

const gauge = (name: string, read: (lamp: Lamp) => number, of = labels): Policy.Instrument<Lamp> => ({
  ...numbers,
  name,
  type: "gauge",
  labels: of,
  read
})

const events = (
  name: string,
  of: (event: Policy.Event) => Policy.Labels | undefined,
  initial: (lamp: Lamp) => ReadonlyArray<Policy.Labels> = () => []
): Policy.Instrument<Lamp> => ({ ...numbers, name, type: "events", labels: of, initial })

const kindOf = (
  instruments: ReadonlyArray<Policy.Instrument<Lamp>>,
  outcomes: (lamp: Lamp) => Readonly<Record<string, number>> = () => ({ success: 3, failure: 1 })
): Policy.Kind<Lamp, object> => ({
  id: "lamp",
  options: Schema.Struct({}),
  ineffective: [],
  make: makeLamp,
  instruments,
  outcomes,
  commands: []
})

const event = (service: string, kind = "lamp"): Policy.Event => ({
  _tag: "Flicker",
  kind,
  service,
  severity: "Info",
  at: 0,
  attributes: {}
})

/** The metrics of one kind with one instance, and what is shown of them. */
const show = (kind: Policy.AnyKind, ...lamps: ReadonlyArray<Lamp>) => {
  const context = Context.make(Metric.MetricRegistry, new Map())
  const metrics = Metrics.make(context, [kind])
  for (const lamp of lamps) metrics.add(kind, lamp)
  const shown = () =>
    Object.fromEntries(
      Effect.runSync(Effect.provideContext(scrape, context)).map(({ labels, name, value }) => [
        [name, ...Object.values(labels)].join(" "),
        value
      ])
    )
  return { metrics, shown }
}

const totals = {
  "resilience.pattern_invocations lamp success": 3,
  "resilience.pattern_invocations lamp failure": 1,
  "resilience.pattern_effectiveness lamp": 0.75
}
const light = gauge("light", ({ lumen }) => lumen.value)

describe("an instrument", () => {
  it("shows what is true at the moment", () => {
    const lamp = makeLamp("hall")
    const { shown } = show(kindOf([light]), lamp)
    expect(shown()).toEqual({ ...totals, "light hall": 5 })
    lamp.lumen.value = 7
    expect(shown()).toEqual({ ...totals, "light hall": 7 })
  })

  it("whose labels are broken is left out, and others are not", () => {
    const { shown } = show(kindOf([gauge("dark", () => 1, breakDown), light]), makeLamp("hall"))
    expect(shown()).toEqual({ ...totals, "light hall": 5 })
  })

  it("that is broken from the start is left out, and others are not", () => {
    const histogram = { ...numbers, name: "colours", type: "histogram", labels, read: breakDown } as const
    const { shown } = show(kindOf([histogram, gauge("dark", breakDown), light]), makeLamp("hall"))
    expect(shown()).toEqual({ ...totals, "light hall": 5 })
  })

  it("that breaks later shows what it showed last", () => {
    const lamp = makeLamp("hall")
    const fragile = gauge("fragile", ({ lumen }) => (lumen.value > 6 ? breakDown() : lumen.value))
    const { shown } = show(kindOf([fragile, light]), lamp)
    lamp.lumen.value = 6
    expect(shown()).toEqual({ ...totals, "fragile hall": 6, "light hall": 6 })
    lamp.lumen.value = 7
    expect(shown()).toEqual({ ...totals, "fragile hall": 6, "light hall": 7 })
  })

  it("is shown though the outcomes are broken", () => {
    const { shown } = show(kindOf([light], breakDown), makeLamp("hall"))
    expect(shown()).toEqual({ "light hall": 5 })
  })

  it("that is broken breaks no call", () =>
    Effect.runPromise(
      inWorld(
        Effect.gen(function* () {
          const kind = kindOf([gauge("dark", breakDown, breakDown), light], breakDown)
          expect(yield* Policy.instanceOf(kind, "hall")).toMatchObject({ service: "hall" })
          expect(yield* scrape).toMatchObject([{ name: "light" }])
        })
      )
    ))
})

describe("a counter", () => {
  it("only grows, and says so", () => {
    const registry: Metric.MetricRegistry = new Map()
    const context = Context.make(Metric.MetricRegistry, registry)
    const kind = kindOf([{ ...numbers, name: "hours", type: "counter", labels, read: ({ lumen }) => lumen.value }])
    Metrics.make(context, [kind]).add(kind, makeLamp("hall"))
    const counters = Metric.snapshotUnsafe(context).filter(({ type }) => type === "Counter")
    expect(counters.map(({ id, state }) => [id, state])).toEqual([
      ["resilience.pattern_invocations", { count: 3, incremental: true }],
      ["resilience.pattern_invocations", { count: 1, incremental: true }],
      ["hours", { count: 5, incremental: true }]
    ])
  })
})

describe("events", () => {
  it("are counted by their labels, if they have any", () => {
    const odd = events("odd", ({ service }) => (service.length % 2 === 1 ? { service } : undefined))
    const { metrics, shown } = show(kindOf([odd, events("all", () => ({}))]))
    for (const service of ["a", "bb", "ccc", "a"]) metrics.count(event(service))
    expect(shown()).toEqual({ "odd a": 2, "odd ccc": 1, all: 4 })
  })

  it("are shown with zero where their labels are known before", () => {
    const { metrics, shown } = show(kindOf([events("all", labels, (lamp) => [labels(lamp)])]), makeLamp("hall"))
    expect(shown()).toMatchObject({ "all hall": 0 })
    metrics.count(event("hall"))
    metrics.count(event("a"))
    expect(shown()).toMatchObject({ "all hall": 1, "all a": 1 })
  })

  it("of other kinds are not counted", () => {
    const { metrics, shown } = show(kindOf([events("all", labels)]))
    metrics.count(event("a", "candle"))
    expect(shown()).toEqual({})
  })

  it("are counted by one instrument though another is broken", () => {
    const { metrics, shown } = show(kindOf([events("broken", breakDown), events("whole", labels)]))
    metrics.count(event("a"))
    expect(shown()).toEqual({ "whole a": 1 })
  })
})

describe("all instances of a kind", () => {
  it("are added up", () => {
    const { shown } = show(kindOf([light]), makeLamp("hall"), makeLamp("stairs"))
    expect(shown()).toEqual({
      "resilience.pattern_invocations lamp success": 6,
      "resilience.pattern_invocations lamp failure": 2,
      "resilience.pattern_effectiveness lamp": 0.75,
      "light hall": 5,
      "light stairs": 5
    })
  })

  it("are gone when the metrics are closed, and come no more", () => {
    const kind = kindOf([light, events("all", labels)])
    const { metrics, shown } = show(kind, makeLamp("hall"))
    metrics.count(event("a"))
    metrics.close()
    expect(shown()).toEqual({})
    metrics.count(event("a"))
    metrics.count(event("b"))
    metrics.add(kind, makeLamp("stairs"))
    expect(shown()).toEqual({})
  })
})
