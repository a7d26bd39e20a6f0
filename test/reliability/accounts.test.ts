import { expect, it } from "vitest"
import * as Accounts from "../../reliability/load/accounts.ts"
import type { Endings } from "../../reliability/support/endings.ts"
import { broken } from "../../reliability/support/verdict.ts"

const none = { successes: 0, failures: 0, exceeded: 0, interrupted: 0 }

/** 90 answers, 6 rejections and 4 failures; the failed ones were tried twice. */
const totals = {
  pipeline: { ...none, successes: 90, failures: 10 },
  bulkhead: { rejected: 6, active: 0, queued: 0 },
  "circuit-breaker": { probing: 0 },
  timeout: { ...none, successes: 90, failures: 8 }
}

const endings: Endings = new Map([
  ["success", 90],
  ["BulkheadRejectedError", 6],
  ["TimeoutExceededError", 4]
])

const complaints = (books: Partial<Accounts.Books>) =>
  broken(Accounts.balance("x", { totals, endings, received: 98, ...books })).map(({ claim }) => claim)

it("books that balance", () => {
  expect(complaints({})).toEqual([])
})

it.each([
  ["a success too many", { pipeline: { ...totals.pipeline, successes: 91 } }, /successes/],
  ["a success too few", { pipeline: { ...totals.pipeline, successes: 89 } }, /successes/],
  ["a failure too few", { pipeline: { ...totals.pipeline, failures: 9 } }, /failures/],
  ["a rejection too many", { bulkhead: { ...totals.bulkhead, rejected: 7 } }, /rejections/],
  ["an attempt that did not arrive", { timeout: { ...totals.timeout, successes: 91 } }, /attempts/],
  ["a permit that was not given back", { bulkhead: { ...totals.bulkhead, active: 1 } }, /permits/],
  ["a caller who waits for ever", { bulkhead: { ...totals.bulkhead, queued: 1 } }, /permits/],
  ["a probe that never ended", { "circuit-breaker": { probing: 1 } }, /permits/],
  ["a policy that is missing", { bulkhead: undefined }, /rejections/]
] as const)("%s", (_, change, claim) => {
  const changed: Readonly<Record<string, Readonly<Record<string, number>>>> = JSON.parse(
    JSON.stringify({ ...totals, ...change })
  )
  expect(complaints({ totals: changed })[0]).toMatch(claim)
})

it("a request that the upstream got twice", () => {
  expect(complaints({ received: 99 })[0]).toMatch(/attempts/)
})

it("whoever went away may have been answered, but nobody else", () => {
  const left: Endings = new Map([...endings, ["gave up", 2]])
  const answered = { ...totals, pipeline: { ...totals.pipeline, successes: 92 } }
  expect(complaints({ endings: left, totals: answered })).toEqual([])
  const more = { ...totals, pipeline: { ...totals.pipeline, successes: 93 } }
  expect(complaints({ endings: left, totals: more })[0]).toMatch(/successes/)
})

it("a request without an end, and an end without an explanation", () => {
  expect(broken(Accounts.nothingLost("x", 100, endings))).toEqual([])
  expect(broken(Accounts.nothingLost("x", 101, endings))).toHaveLength(1)
  const strange: Endings = new Map([
    ["success", 99],
    ["lost: socket hang up", 1]
  ])
  expect(broken(Accounts.nothingLost("x", 100, strange))[0]?.measured).toBe("lost: socket hang up 1")
})
