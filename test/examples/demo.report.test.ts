import { describe, expect, it } from "@effect/vitest"
import { type Deeds, makeDay, type Paint, table } from "../../examples/demo/report.ts"
import { type Ending, makeLedger, send, settle } from "../../examples/demo/statistics.ts"

const ledgerOf = (endings: ReadonlyArray<Ending>, lateMillis = 0) => {
  const ledger = makeLedger(1000, 10)
  for (const [index, ending] of endings.entries()) {
    send(ledger, 0, lateMillis)
    settle(ledger, ending, 0, (index + 1) * 10.26)
  }
  return ledger
}

const ledgers = {
  unprotected: ledgerOf(["answered", "answered", "failed", "cut off"]),
  protected: ledgerOf(["answered", "fallback", "fallback", "answered"])
}
const upstreamCalls = { unprotected: { total: 4000, inVain: 1500 }, protected: { total: 5, inVain: 3 } }
const deeds: Deeds = { retries: 6, rejections: 7, openings: 2, recoveryMillis: 123.456 }

const plain: Paint = (_, text) => text
const marked: Paint = (style, text) => `<${style}>${text}</>`

describe("the report", () => {
  it("has the shape that scripts expect, in whole milliseconds", () => {
    expect(makeDay(ledgers, upstreamCalls, deeds).report).toEqual({
      unprotected: { calls: 4, succeeded: 2, failed: 2, p50Millis: 21, p99Millis: 41, upstreamCalls: 4000 },
      protected: {
        calls: 4,
        succeeded: 4,
        failed: 0,
        p50Millis: 21,
        p99Millis: 41,
        upstreamCalls: 5,
        fallbacks: 2,
        retries: 6,
        rejections: 7,
        openings: 2,
        recoveryMillis: 123
      }
    })
  })

  it("says null when the circuit did not close", () => {
    const { report } = makeDay(ledgers, upstreamCalls, { ...deeds, recoveryMillis: null })
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({ protected: { recoveryMillis: null } })
  })
})

describe("the table", () => {
  const rows = (text: string) => text.split("\n").map((line) => line.trim().split(/\s{2,}/))

  it("sets both sides next to each other", () => {
    const day = makeDay(ledgers, upstreamCalls, deeds)
    expect(rows(table(day, plain)).filter((cells) => cells.length > 1)).toEqual([
      ["unprotected", "protected"],
      ["calls", "4", "4"],
      ["succeeded", "50.0 %", "100.0 %"],
      ["answered by the provider", "2", "2"],
      ["answered by the fallback", "–", "2"],
      ["failed", "2", "0"],
      ["callers waited, p50", "21 ms", "21 ms"],
      ["callers waited, p99", "41 ms", "41 ms"],
      ["calls that reached the provider", "4,000", "5"],
      ["refused or left hanging", "1,500", "3"],
      ["retries", "–", "6"],
      ["turned away by breaker or bulkhead", "–", "7"],
      ["circuit opened", "–", "2 ×"],
      ["provider back to circuit closed", "–", "123 ms"]
    ])
  })

  it("says so when the circuit did not close", () => {
    const day = makeDay(ledgers, upstreamCalls, { ...deeds, recoveryMillis: null })
    expect(rows(table(day, plain)).at(-1)).toEqual(["provider back to circuit closed", "–", "not closed"])
  })

  it("has no share of no calls", () => {
    const none = { unprotected: ledgerOf([]), protected: ledgerOf([]) }
    const text = table(makeDay(none, upstreamCalls, deeds), plain)
    expect(rows(text)).toContainEqual(["succeeded", "–", "–"])
  })

  it("paints a side red when more than one call in a hundred failed, and green otherwise", () => {
    const calls = (failed: number) =>
      ledgerOf(Array.from({ length: 100 }, (_, index) => (index < failed ? "failed" : "answered")))
    const day = makeDay({ unprotected: calls(2), protected: calls(1) }, upstreamCalls, deeds)
    const text = table(day, marked)
    expect(text).toMatch(/succeeded\s+<red>\s+98\.0 %<\/><green>\s+99\.0 %<\/>/)
    expect(text).toMatch(/failed\s+<red>\s+2<\/><green>\s+1<\/>/)
  })

  it("says so when the machine was too busy to send the requests in time", () => {
    const late = (lateMillis: number) => ({
      unprotected: ledgerOf(["answered"]),
      protected: ledgerOf(["failed"], lateMillis)
    })
    const text = (lateMillis: number) => table(makeDay(late(lateMillis), upstreamCalls, deeds), plain)
    expect(text(500)).not.toContain("busy")
    expect(text(1234.5)).toMatch(/This machine is busy: requests were sent up to 1,235 ms late\.$/)
  })

  it("fits into 80 columns", () => {
    const lines = table(makeDay(ledgers, upstreamCalls, deeds), plain).split("\n")
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  })
})
