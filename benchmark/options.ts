/**
 * The command line of `npm run bench`.
 */
import { parseArgs } from "node:util"
import type { Settings } from "./measures/rounds.ts"

export const help = `
What the policies cost, beside cockatiel, opossum and Effect's own parts, in one process.

Usage: npm run bench -- [options]

  --filter <text>  only cases whose name contains the text
  --quick          fewer and shorter rounds, without the cases that take long
  --json           one JSON object on the standard output
  --write          writes the results to docs/performance.md
  --help           this text

A figure is what a guard adds to the bare operation, the median over interleaved rounds, with the quartiles of ours. "0.25 x"
is ours as a multiple of the other, in the same round; of a throughput it is the time per call. "bare" is the operation by
itself. "limit" is an experiment that does the least that a pattern must do with Effect's public interface.

Noise is measured, not assumed: it is the distance from the median of a ratio down to its lower quartile. A target is MISSED
if even the lower quartile is above it, so in three quarters of the rounds. The exit code is then 1. Where the limit itself
misses a target, it is enough to cost at most 1.5 times as much as the limit. A target that is known not to be reached (they are
in benchmark/behind.ts, with what is kept instead) fails the run when it gets worse.

Times are the processor's, spent in this process with all its threads, so that a busy machine does not lengthen them. Only
latencies of calls, and calls after a request, are by the clock on the wall.
`.trimStart()

export const options = parseArgs({
  options: {
    filter: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
}).values

export const settings: Settings = options.quick
  ? { rounds: 9, batchMillis: 4, settleMillis: 60, isQuick: true }
  : { rounds: 21, batchMillis: 10, settleMillis: 100, isQuick: false }
