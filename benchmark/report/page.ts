/**
 * Results as a page of the documentation.
 */
import { table } from "../../scripts/docs/markdown.ts"
import { isMet, isMissed, type Result } from "../case.ts"
import { figure, IN_THE_NOISE, multiple, spread, targetsOf } from "./format.ts"
import type { Machine } from "./machine.ts"

export interface Chapter {
  readonly title: string
  readonly results: ReadonlyArray<Result>
}

const LIBRARIES = ["cockatiel", "opossum", "effect"]

/** What has a column of its own, and the bare loop, which is of interest to who measures. */
const NOT_OTHERS: ReadonlySet<string> = new Set(["ours", ...LIBRARIES, "bare"])

const about = ({ date, description, load, versions }: Machine): string => `# Performance

What a guard costs, beside what others cost. This page is written by \`npm run bench -- --write\`; \`npm run bench\` prints the
same for your machine, and CI fails when a target is missed.

- Machine: ${description}
- Load average at the start: ${load}
- Versions: ${versions}
- Date: ${date}

**How to read it.** Times are what a guard _adds_ to an operation that does nothing: the guarded loop minus the bare one. All
libraries run in one process, in interleaved rounds, with the same settings; a figure is the median over the rounds, with the
quartiles of ours. Time is the processor's, so that a busy machine does not lengthen it, but for latencies and what happens
after a request. Effects run in one fiber, promises are awaited one after the other. In brackets is what ours costs as a
multiple of the other, within the same round: these multiples hold on other machines, too, the nanoseconds do not. What is added
to a request is timed right after real ones, on a server that has made 20,000 calls before. What a quarter of the rounds could not
tell from nothing is _in the noise_.

A target is missed if three quarters of the rounds are above it, so the noise that is allowed for is the one that was measured.
_limit_ is an experiment, not a policy: it only looks at a call as the pattern must, with Effect's public interface, and so shows
the least that any implementation costs; of a bundle, the guard with options as Effect itself checks them. Where even the limit misses a target, it is enough to come near the limit. A target that is
_not reached_ is one that we are still after: CI only sees to it that the distance does not grow. opossum has no retry, and none of its patterns comes without its breaker, which lives
for one batch only: its timers would otherwise disturb the others.`

const cost = ({ medians, noisy, unit }: Result, variant: string): string =>
  noisy.includes(variant) ? IN_THE_NOISE : figure(medians[variant] ?? Number.NaN, unit)

const cell = (result: Result, variant: string): string => {
  if (!(variant in result.medians)) return ""
  const ratio = result.ratios[variant]
  return ratio === undefined ? cost(result, variant) : `${cost(result, variant)} (${multiple(ratio)})`
}

const verdict = (result: Result): string => {
  if (isMissed(result)) return "**missed**"
  if (!isMet(result)) return "not reached"
  return Object.values(result.verdicts).includes("impossible") ? "at the limit" : "met"
}

const row = (result: Result): ReadonlyArray<string> => {
  const { medians, name } = result
  const others = Object.keys(medians).filter((variant) => !NOT_OTHERS.has(variant))
  const targets = targetsOf(result)
  return [
    name,
    cost(result, "ours"),
    spread(result),
    ...LIBRARIES.map((variant) => cell(result, variant)),
    others.map((variant) => `${variant}: ${cell(result, variant)}`).join(", "),
    targets.join(", "),
    targets.length === 0 ? "" : verdict(result)
  ]
}

/** The page, without the alignment that a formatter gives it. */
export const page = (machine: Machine, chapters: ReadonlyArray<Chapter>): string => {
  const header = ["case", "ours", "quartiles", ...LIBRARIES, "other", "target", ""]
  const sections = chapters.map(({ results, title }) => `## ${title}\n\n${table(header, results.map(row))}`)
  return `${[about(machine), ...sections].join("\n\n")}\n`
}
