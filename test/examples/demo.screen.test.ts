import { describe, expect, it } from "@effect/vitest"
import type { Paint } from "../../examples/demo/report.ts"
import { type Frame, hasRoom, header, panel, row, slotCount } from "../../examples/demo/screen.ts"
import { planDay } from "../../examples/demo/script-of-the-day.ts"
import { bySide, type Ending, type Ledger, makeLedger, send, settle } from "../../examples/demo/statistics.ts"

const plain: Paint = (_, text) => text
const marked: Paint = (style, text) => `<${style}>${text}</>`

const dayMillis = 60_000

const frameOf = (changes: Partial<Frame> = {}): Frame => ({
  elapsedMillis: 30_000,
  dayMillis,
  plan: planDay(dayMillis),
  gatewayUrl: "http://127.0.0.1:65535",
  ledgers: bySide(() => makeLedger(dayMillis, slotCount)),
  upstreamCalls: bySide(() => ({ total: 0, inVain: 0 })),
  breaker: { state: "Closed", retryAfterMillis: 0 },
  bulkhead: { active: 0, limit: 32, queued: 0 },
  retries: 0,
  rejections: 0,
  openings: 0,
  ...changes
})

const record = (ledger: Ledger, ending: Ending, dueMillis: number, times = 1, waitedMillis = 10): void => {
  for (let n = 0; n < times; n++) {
    send(ledger, dueMillis, dueMillis)
    settle(ledger, ending, dueMillis, dueMillis + waitedMillis)
  }
}

const lineOf = (lines: ReadonlyArray<string>, label: string): string => lines.find((line) => line.includes(label)) ?? ""

describe("the panel", () => {
  const busy = () => {
    const frame = frameOf({
      elapsedMillis: 59_999,
      breaker: { state: "Open", retryAfterMillis: 600_000 },
      bulkhead: { active: 32, limit: 32, queued: 99_999 },
      retries: 99_999,
      rejections: 99_999,
      openings: 99_999,
      upstreamCalls: bySide(() => ({ total: 99_999, inVain: 0 }))
    })
    for (const ledger of Object.values(frame.ledgers)) {
      for (const ending of ["answered", "fallback", "failed"] as const) record(ledger, ending, 59_000, 9999, 2999)
    }
    return frame
  }

  it("has lines that fit into 80 columns, and as many at every moment", () => {
    const plans = [5000, 20_000, 300_000].map((dayMillis) => ({ dayMillis, plan: planDay(dayMillis) }))
    for (const frame of [frameOf(), busy(), ...plans.map(frameOf)]) {
      const lines = panel(frame, plain)
      expect(lines).toHaveLength(16)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    }
  })

  it("says where the gateway is", () => {
    expect(panel(frameOf(), plain)[1]).toContain("http://127.0.0.1:65535/metrics")
  })

  it("shows the time of day, which ends when the day does", () => {
    expect(panel(frameOf({ elapsedMillis: 1234 }), plain)[0]).toMatch(/1\.2 of 60\.0 s$/)
    expect(panel(frameOf({ elapsedMillis: 61_000 }), plain)[0]).toMatch(/60\.0 of 60\.0 s$/)
  })

  it("names the phase, and lifts it out in the ruler", () => {
    const lines = panel(frameOf({ elapsedMillis: 0 }), marked)
    expect(lineOf(lines, "15 to 45")).toContain("<bold>healthy</>: answers in 15 to 45 ms")
    expect(lineOf(lines, "hanging")).toMatch(/<bold>healthy +<\/><dim>slow +<\/>/)
  })

  it.each([
    ["Closed", "<green>● Closed</>"],
    ["Open", "<red>● Open, next probe in 1.3 s</>"],
    ["HalfOpen", "<yellow>● HalfOpen</>"],
    ["Isolated", "<yellow>● Isolated</>"]
  ])("shows the circuit in a colour of its own: %s", (state, shown) => {
    const lines = panel(frameOf({ breaker: { state, retryAfterMillis: 1250 } }), marked)
    expect(lineOf(lines, "circuit")).toContain(shown)
  })

  it("shows how full the bulkhead is, even above its limit", () => {
    const gauge = (active: number) =>
      lineOf(panel(frameOf({ bulkhead: { active, limit: 4, queued: 5 } }), plain), "bulkhead").trim()
    expect(gauge(1)).toMatch(/ ■··· 1 of 4 active, 5 queued$/)
    expect(gauge(6)).toMatch(/ ■■■■ 6 of 4 active, 5 queued$/)
  })

  it("shows what the patterns have done", () => {
    const lines = panel(frameOf({ openings: 1, rejections: 2, retries: 3 }), plain)
    expect(lineOf(lines, "so far")).toContain("opened 1 ×, turned away 2, retries 3")
  })

  it("counts by side, the waiting calls too, and takes the p99 of the last three seconds", () => {
    const frame = frameOf({
      upstreamCalls: { unprotected: { total: 70, inVain: 1 }, protected: { total: 80, inVain: 1 } }
    })
    const { protected: guarded, unprotected } = frame.ledgers
    record(unprotected, "answered", 1000, 2, 900)
    record(unprotected, "failed", 29_000, 3, 30)
    record(unprotected, "cut off", 29_000)
    send(unprotected, 0, 0)
    record(guarded, "answered", 29_000, 4, 20)
    record(guarded, "fallback", 29_500, 5, 40)
    const lines = panel(frame, plain).slice(-2)
    expect(lines.map((line) => line.trim().split(/\s{2,}/))).toEqual([
      ["unprotected", "2", "–", "4", "1", "30 ms", "70"],
      ["protected", "4", "5", "0", "0", "40 ms", "80"]
    ])
  })
})

describe("the strip of a side", () => {
  const stripOf = (fill: (ledger: Ledger) => void, elapsedMillis = 4500, paint = plain) => {
    const frame = frameOf({ elapsedMillis })
    fill(frame.ledgers.unprotected)
    return panel(frame, paint)[4]!.slice(16)
  }

  it("has a column for each part of the day, empty until it begins", () => {
    expect(stripOf(() => undefined)).toBe(`·····${" ".repeat(slotCount - 5)}`)
    expect(stripOf(() => undefined, 5000)).toBe(`·····${" ".repeat(slotCount - 5)}`)
  })

  it("shows the worst that happened to more than a few calls", () => {
    const strip = stripOf((ledger) => {
      record(ledger, "answered", 0, 19)
      record(ledger, "failed", 0, 1)
      record(ledger, "answered", 1000, 18)
      record(ledger, "failed", 1000, 1)
      record(ledger, "answered", 2000, 5)
      record(ledger, "failed", 2000, 6)
      record(ledger, "answered", 3000, 3)
      record(ledger, "fallback", 3000, 1)
      record(ledger, "answered", 4000, 2)
      record(ledger, "fallback", 4000, 1)
    })
    expect(strip.trimEnd()).toBe("█▄×█▒")
  })

  it("takes a half of failures for some, and more for most", () => {
    const strip = stripOf((ledger) => {
      record(ledger, "answered", 0)
      record(ledger, "failed", 0)
      record(ledger, "answered", 1000)
      record(ledger, "failed", 1000)
      record(ledger, "cut off", 1000)
    })
    expect(strip.trimEnd()).toBe("▄×···")
  })

  it("has a colour for each meaning", () => {
    const strip = stripOf(
      (ledger) => {
        record(ledger, "answered", 0)
        record(ledger, "fallback", 1000)
        record(ledger, "failed", 2000)
      },
      3000,
      marked
    )
    expect(strip.trimEnd()).toBe("<green>█</><yellow>▒</><red>×</>")
  })
})

describe("the row of a second", () => {
  const rowOf = (changes: Partial<Frame>, paint = plain) => row(frameOf(changes), paint)

  it("fits under its header, into 80 columns", () => {
    const frame = frameOf({ elapsedMillis: 299_900, breaker: { state: "HalfOpen", retryAfterMillis: 0 } })
    record(frame.ledgers.protected, "answered", 298_000, 1, 1899)
    const titles = header(plain)[1]!
    expect(row(frame, plain)).toHaveLength(titles.length)
    expect(titles.length).toBeLessThanOrEqual(80)
  })

  it("counts what happened up to now", () => {
    const frame = frameOf({ elapsedMillis: 5049, bulkhead: { active: 32, limit: 32, queued: 7 } })
    const { protected: guarded, unprotected } = frame.ledgers
    record(unprotected, "answered", 4000, 1)
    record(unprotected, "failed", 4000, 2)
    record(guarded, "answered", 1000, 3, 999)
    record(guarded, "fallback", 4000, 4, 40)
    record(guarded, "failed", 4000, 5, 50)
    expect(
      row(frame, plain)
        .trim()
        .split(/\s{2,}|(?<=s) /)
    ).toEqual(["5 s", "healthy", "Closed", "1", "2", "3", "4", "5", "7", "50 ms"])
  })

  it.each([
    ["Closed", "green"],
    ["Open", "red"],
    ["HalfOpen", "yellow"]
  ])("has the colour of the circuit: %s", (state, colour) => {
    expect(rowOf({ breaker: { state, retryAfterMillis: 0 } }, marked)).toContain(`<${colour}>${state}`)
  })
})

describe("room for the panel", () => {
  it("is there in a terminal of 80 columns and a line more than the panel has", () => {
    expect(hasRoom({ columns: 80, rows: 17 })).toBe(true)
    expect(hasRoom({ columns: 79, rows: 50 })).toBe(false)
    expect(hasRoom({ columns: 200, rows: 16 })).toBe(false)
  })

  it("is not there where the size is unknown", () => {
    expect(hasRoom({})).toBe(false)
  })
})
