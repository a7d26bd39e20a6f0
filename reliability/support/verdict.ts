/**
 * What a run has to prove, and whether it did.
 */

/** One claim, with what was measured. */
export interface Check {
  readonly claim: string
  readonly holds: boolean
  readonly measured: string
}

/** A claim that a number must not break. */
export const atMost = (claim: string, value: number, bound: number, unit = ""): Check => ({
  claim,
  holds: value <= bound,
  measured: `${figure(value)}${unit}, at most ${figure(bound)}${unit}`
})

/** A claim that a number must reach. */
export const atLeast = (claim: string, value: number, bound: number, unit = ""): Check => ({
  claim,
  holds: value >= bound,
  measured: `${figure(value)}${unit}, at least ${figure(bound)}${unit}`
})

/** A claim that two counts agree. */
export const same = (claim: string, value: number, expected: number): Check => ({
  claim,
  holds: value === expected,
  measured: value === expected ? figure(value) : `${figure(value)} instead of ${figure(expected)}`
})

/** The checks that failed. */
export const broken = (checks: ReadonlyArray<Check>): ReadonlyArray<Check> => checks.filter(({ holds }) => !holds)

/** One line for a check. */
export const line = ({ claim, holds, measured }: Check): string =>
  `${holds ? "holds " : "BROKEN"}  ${claim}: ${measured}`

/** The line that a reader looks for, and the exit code that a script looks for. */
export const conclude = (checks: ReadonlyArray<Check>): string => {
  const count = broken(checks).length
  process.exitCode = count === 0 ? 0 : 1
  return count === 0 ? `all ${checks.length} bounds hold` : `${count} of ${checks.length} bounds are broken`
}

/** A number as people read it. */
export const figure = (value: number): string =>
  value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 })
