/**
 * The lines in which mistakes are reported: where it is, what was expected, and what is there.
 */
import * as Fields from "../../policy/internal/options.ts"

/** One line for each mistake. */
export type Lines = ReadonlyArray<string>

/** A value is not what it should be. */
export const expected = (where: string, what: string, shown: unknown): string =>
  render(where, `expected ${what}`, shown)

/** A value is wrong in the words of its schema. */
export const render = (where: string, message: string, shown: unknown): string =>
  Fields.render({ path: [where], message, actual: shown }).trim()

/** What was probably meant, to be said at the end of a line. */
export const didYouMean = (guess: string | undefined): string =>
  guess === undefined ? "" : ` (did you mean ${guess}?)`
