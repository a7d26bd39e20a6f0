/** What the runner tells the script, one JSON text a line in a file that both know. */
import { appendFileSync, readFileSync } from "node:fs"

/** `Broken` is a test that fails without a mutant. */
export type Result =
  | { readonly _tag: "Broken"; readonly test: string }
  | { readonly _tag: "Started"; readonly mutants: ReadonlyArray<string>; readonly pid: number }
  | { readonly _tag: Verdict; readonly mutants: ReadonlyArray<string>; readonly test: string }
  | { readonly _tag: "Done"; readonly file: string; readonly round: Round }

/**
 * First mutants are tried together where that is possible. One can hide another then, so those that have not been noticed,
 * and are not listed, are tried once more, each alone.
 */
export type Round = "together" | "alone"

/** How mutants fared against one test file; `test` is the one that noticed it, and then it was one mutant alone. */
export type Verdict = "Killed" | "TimedOut" | "Survived" | "Stuck"

/** Writes one result down. */
export const tell = (path: string, result: Result): void => appendFileSync(path, `${JSON.stringify(result)}\n`)

/** Everything told until now. */
export const read = (path: string): ReadonlyArray<Result> =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

/** The mutants that some test has noticed. */
export const noticed = (results: ReadonlyArray<Result>): ReadonlySet<string> => mutantsOf(results, "Killed", "TimedOut")

/** The mutants that some test has reached. */
export const tried = (results: ReadonlyArray<Result>): ReadonlySet<string> => mutantsOf(results, "Started")

/** The mutants of the results of these kinds. */
export const mutantsOf = (
  results: ReadonlyArray<Result>,
  ...tags: ReadonlyArray<Result["_tag"]>
): ReadonlySet<string> =>
  new Set(results.flatMap((result) => ("mutants" in result && tags.includes(result._tag) ? result.mutants : [])))
