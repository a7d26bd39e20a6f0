/**
 * `npm run soak`: a day, and a million callers, under the test clock.
 */
import { Effect } from "effect"
import * as Arguments from "../support/arguments.ts"
import { describe, total } from "../support/endings.ts"
import { megabytes } from "../support/heap.ts"
import { spread } from "../support/statistics.ts"
import { atMost, type Check, conclude, figure, line, same } from "../support/verdict.ts"
import * as Day from "./day.ts"

const help = `
Many hours under the test clock: every call has a key of its own, and all go through the whole pipeline.

Usage: npm run soak -- [options]

  --hours <number>  virtual hours (default 24)
  --calls <number>  calls, each with a key of its own (default 1,000,000)
  --json            one JSON object instead of the text
  --help            this text

Exit code 1: something was lost, left over, or grew.
`

/** The heap may move by this much after the warm-up. */
const MOST_DRIFT = 2

const given = Arguments.read({ hours: 24, calls: 1_000_000, json: false }, help)

const print = (text: string): void => {
  if (!given.json) console.log(text)
}

const driftOf = (checkpoints: ReadonlyArray<Day.Checkpoint>): number => {
  const afterWarmUp = checkpoints.slice(Math.floor(checkpoints.length / 4))
  return spread(afterWarmUp.map(({ heapBytes }) => megabytes(heapBytes)))
}

const checksOf = (result: Day.Result): ReadonlyArray<Check> => {
  const { endings, expected, failuresTold, instances, latestKeys, left, olderKeys, shared, totals } = result
  return [
    ...[...expected].map(([ending, count]) =>
      same(`calls with a key that end with ${ending}`, endings.get(ending) ?? 0, count)
    ),
    same("calls with a key that end, in all", total(endings), total(expected)),
    same(
      "calls in the pipeline's own totals",
      totals.successes + totals.failures + totals.interrupted,
      total(expected) + shared.calls
    ),
    same("failures told as events", failuresTold, totals.failures),
    same("recoveries of the circuit without a key, one for each hour", shared.recoveries, Math.floor(given.hours)),
    { claim: "the circuit without a key in the end", holds: shared.state === "Closed", measured: shared.state },
    atMost("heap drift after the warm-up", driftOf(result.checkpoints), MOST_DRIFT, " MB"),
    same("instances in the registry", instances.after, instances.before),
    same("opened circuits remembered, of the latest keys", latestKeys.known, latestKeys.all),
    same(`opened circuits remembered beyond the latest ${figure(Day.maxKeys)} keys`, olderKeys.known, 0),
    ...Object.entries(left).map(([what, count]) => same(`${what} left over`, count, 0))
  ]
}

print(`${figure(given.calls)} calls with as many keys in ${figure(given.hours)} virtual hours, node ${process.version}`)
const began = performance.now()
const result = await Effect.runPromise(
  Day.run(given, ({ calls, heapBytes, hours }) =>
    print(`  hour ${hours.toFixed(1)}, ${figure(calls)} calls: heap ${megabytes(heapBytes).toFixed(2)} MB`)
  )
)
const seconds = (performance.now() - began) / 1000
const checks = checksOf(result)
print(`\n${describe(result.endings)}; ${figure(seconds)} s`)
for (const check of checks) print(line(check))
const verdict = conclude(checks)
print(`\n${verdict}`)
if (given.json) console.log(JSON.stringify({ ...result, endings: Object.fromEntries(result.endings), checks, seconds }))
