/**
 * Lists of programs: what each of their fibers does.
 */

/** All lists of so many steps. */
export const combinations = <Step>(steps: ReadonlyArray<Step>, length: number): ReadonlyArray<ReadonlyArray<Step>> =>
  length === 0 ? [[]] : combinations(steps, length - 1).flatMap((before) => steps.map((step) => [...before, step]))

/** Each two of them, in whatever order. */
export const pairs = <A>(all: ReadonlyArray<A>): ReadonlyArray<readonly [A, A]> =>
  all.flatMap((first) => all.map((second) => [first, second] as const))

/** Each three of them, in whatever order. */
export const triples = <A>(all: ReadonlyArray<A>): ReadonlyArray<readonly [A, A, A]> =>
  all.flatMap((first) => pairs(all).map(([second, third]) => [first, second, third] as const))

export const title = (program: ReadonlyArray<ReadonlyArray<string>>): string =>
  program.map((steps) => steps.join(" ")).join(" | ")
