/**
 * What is compared with what, and how much it may cost.
 */
import type { Figures, Settings } from "./measures/rounds.ts"
import { median, meets, quartiles, type Rounds, ratios } from "./statistics.ts"

/** What figures are of, by the name of their field in a result. All but `perSecond` are costs. */
export type Unit = "addedNanos" | "addedMillis" | "addedPercent" | "perSecond" | "bytes"

/** Which variants may cost how much: `ours` in its unit, the others as the share of their cost that ours may have. */
export type Targets = Readonly<Record<string, number>>

export interface Case {
  readonly name: string
  readonly unit: Unit
  readonly targets: Targets
  /** What is kept where a target is not reached, also where it cannot be. */
  readonly behind?: Targets | undefined
  /** Left out of the quick form. */
  readonly isSlow?: boolean | undefined
  readonly warm?: (() => Promise<void>) | undefined
  /** The figures of `ours` and of the others, in rounds. */
  readonly measure: (settings: Settings) => Promise<Figures>
}

/** What came out of a case. */
export interface Result extends Pick<Case, "name" | "unit" | "targets"> {
  readonly medians: Readonly<Record<string, number>>
  readonly quartiles: readonly [low: number, high: number]
  /** The variants that a quarter of the rounds could not tell from nothing. */
  readonly noisy: ReadonlyArray<string>
  /** What ours costs, as a multiple of the others, as far as neither is noisy. */
  readonly ratios: Readonly<Record<string, number>>
  /** One for each target. */
  readonly verdicts: Readonly<Record<string, Verdict>>
}

/**
 * Whether a target is reached. `impossible` is one that the limit itself misses: then it is enough to come near the limit.
 * `behind` is one that is known not to be reached. What is kept where a target is not reached must be kept in any case.
 */
export type Verdict = "met" | "missed" | "impossible" | "behind"

/** Whether a case fails the run. */
export const isMissed = ({ verdicts }: Result): boolean => Object.values(verdicts).includes("missed")

/** Whether all targets of a case are reached, as far as that is possible. */
export const isMet = ({ verdicts }: Result): boolean =>
  Object.values(verdicts).every((verdict) => verdict === "met" || verdict === "impossible")

/** The variant that does the least that anybody can do. */
const LIMIT = "limit"

/**
 * How close to the limit is close enough, where the limit itself misses the target: a policy also counts, and tells who
 * wants to know.
 */
const NEAR = 1.5

const OURS = "ours"

const costs = (figures: Figures, unit: Unit, variant: string, other: string): Rounds => {
  const [cost = [], base = []] = [figures[variant], figures[other]]
  return unit === "perSecond" ? ratios(base, cost) : ratios(cost, base)
}

const verdictOf = (figures: Figures, unit: Unit, other: string, most: number, kept: number | undefined): Verdict => {
  const isWithin = (variant: string, other: string, most: number) =>
    meets(other === OURS ? (figures[variant] ?? []) : costs(figures, unit, variant, other), most)
  if (isWithin(OURS, other, most)) return "met"
  if (kept !== undefined && !isWithin(OURS, other, kept)) return "missed"
  const isImpossible = LIMIT in figures && !isWithin(LIMIT, other, most)
  if (isImpossible && isWithin(OURS, LIMIT, NEAR)) return "impossible"
  return kept === undefined ? "missed" : "behind"
}

/** Measures a case. */
export const resultOf = async ({ behind, measure, name, targets, unit }: Case, settings: Settings): Promise<Result> => {
  const figures = await measure(settings)
  const noisy = Object.keys(figures).filter((variant) => quartiles(figures[variant] ?? [])[0] <= 0)
  const compared = Object.keys(figures).filter(
    (variant) => variant !== OURS && !noisy.includes(variant) && !noisy.includes(OURS)
  )
  return {
    name,
    unit,
    targets,
    medians: mapValues(figures, median),
    quartiles: quartiles(figures[OURS] ?? []),
    noisy,
    ratios: Object.fromEntries(compared.map((other) => [other, median(costs(figures, unit, OURS, other))])),
    verdicts: Object.fromEntries(
      Object.entries(targets).map(([other, most]) => [other, verdictOf(figures, unit, other, most, behind?.[other])])
    )
  }
}

const mapValues = (figures: Figures, f: (rounds: Rounds) => number): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(figures).map(([variant, rounds]) => [variant, f(rounds)]))
