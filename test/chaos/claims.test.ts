import { expect, it } from "vitest"
import type { Report } from "../../reliability/chaos/attack.ts"
import * as Claims from "../../reliability/chaos/claims.ts"
import { broken } from "../../reliability/support/verdict.ts"

const report: Report = {
  sent: 100,
  endings: new Map([
    ["success", 60],
    ["CircuitBreakerOpenError", 37],
    ["interruption", 3]
  ]),
  felt: { isReal: true, failures: 30, openings: 2 },
  longestMillis: 690,
  recoveryMillis: 310,
  stateInTheEnd: "Closed",
  stallMillis: 10,
  unhandled: [],
  totals: {
    pipeline: { successes: 60, failures: 37, interrupted: 3 },
    deadline: 100,
    breaker: 80,
    bulkhead: 80,
    failuresTold: 37
  },
  left: { fibers: 0, timers: 0 }
}

const complaints = (change: Partial<Report>) => broken(Claims.of({ ...report, ...change })).map(({ claim }) => claim)

it("all is well", () => {
  expect(complaints({})).toEqual([])
})

it.each<readonly [string, Partial<Report>, RegExp]>([
  ["a fault that was none", { felt: { ...report.felt, isReal: false } }, /real/],
  ["a fault that nobody felt", { felt: { ...report.felt, failures: 0 } }, /felt/],
  ["a circuit that did not open again", { felt: { ...report.felt, openings: 1 } }, /openings/],
  ["a call that hung", { longestMillis: 1_200 }, /longest call/],
  ["a server that nobody used again in time", { recoveryMillis: 900 }, /recovery/],
  ["a server that nobody used again", { recoveryMillis: Infinity }, /recovery/],
  ["a circuit that stayed half-open", { stateInTheEnd: "HalfOpen" }, /circuit in the end/],
  ["an unhandled rejection", { unhandled: ["Error: down"] }, /unhandled/],
  ["a call that never ended", { sent: 101, totals: { ...report.totals, deadline: 101 } }, /ended/],
  ["a call that was not counted", { totals: { ...report.totals, deadline: 99 } }, /deadline/],
  [
    "a call counted as something else",
    { totals: { ...report.totals, pipeline: { successes: 61, failures: 36, interrupted: 3 } } },
    /successes/
  ],
  ["a call lost between two parts", { totals: { ...report.totals, bulkhead: 79 } }, /breaker/],
  ["a failure that nobody heard of", { totals: { ...report.totals, failuresTold: 36 } }, /told/],
  ["a fiber that went on", { left: { fibers: 1 } }, /fibers/]
])("%s", (_, change, claim) => {
  expect(complaints(change)[0]).toMatch(claim)
})

it("a process that stood still is not the fault of a call", () => {
  expect(complaints({ longestMillis: 1_200, stallMillis: 400 })).toEqual([])
})
