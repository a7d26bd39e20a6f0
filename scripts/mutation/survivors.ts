/** The list of mutants that no test can notice, each with its reason, and what a run says about it. */
import { readFileSync, writeFileSync } from "node:fs"
import type { Mutant } from "./instrument.ts"

/** Mutants are found by their text, because line numbers move. */
export type Listed = Pick<Mutant, "file" | "line" | "mutator" | "original" | "replacement">

/** Mutants that survive for the same reason. */
export interface Group {
  readonly reason: string
  readonly mutants: ReadonlyArray<Listed>
}

/** `floors` are the scores, in percent, below which a folder must not fall. */
export interface Survivors {
  readonly floors: Readonly<Record<string, number>>
  readonly groups: ReadonlyArray<Group>
}

const PATH = "test/exceptions/mutants.json"

/** The list in the repository. */
export const load = (): Survivors => JSON.parse(readFileSync(PATH, "utf8"))

const toListed = ({ file, line, mutator, original, replacement }: Listed): Listed => ({
  file,
  line,
  mutator,
  original,
  replacement
})

const keyOf = (mutant: Listed): string => JSON.stringify(Object.values(toListed(mutant)))

/** Takes equal ones out of the other list, one for one: a text can occur twice. */
const without = <A extends Listed>(mutants: ReadonlyArray<A>, others: ReadonlyArray<Listed>): ReadonlyArray<A> => {
  const counts = new Map<string, number>()
  for (const other of others) counts.set(keyOf(other), (counts.get(keyOf(other)) ?? 0) + 1)
  return mutants.filter((mutant) => {
    const count = counts.get(keyOf(mutant)) ?? 0
    counts.set(keyOf(mutant), count - 1)
    return count <= 0
  })
}

/** Whether a mutant, or another one with the same text, is listed. */
export const isListed = (): ((mutant: Listed) => boolean) => {
  const keys = new Set(load().groups.flatMap(({ mutants }) => mutants.map(keyOf)))
  return (mutant) => keys.has(keyOf(mutant))
}

/** What is listed of these files, whether a reason is given or not. */
export const listedOf = ({ groups }: Survivors, files: ReadonlySet<string>): ReadonlyArray<Listed> =>
  groups.flatMap(({ mutants }) => mutants.filter(({ file }) => files.has(file)))

/** Survivors that are not on the list, and those on the list that have not survived. */
export const compare = (listed: ReadonlyArray<Listed>, survived: ReadonlyArray<Mutant>) => ({
  unlisted: without(survived, listed),
  outdated: without(listed, survived)
})

/** Takes outdated ones off the list and puts unlisted ones on it, for somebody to write the reason. */
export const update = ({ floors, groups }: Survivors, { outdated, unlisted }: ReturnType<typeof compare>): void => {
  let toRemove = outdated
  const kept = groups.map(({ mutants, reason }) => {
    const left = without(mutants, toRemove)
    toRemove = without(toRemove, without(mutants, left))
    return { reason, mutants: left }
  })
  const open = { reason: "", mutants: unlisted.map(toListed) }
  const all = [...kept, open].filter(({ mutants }) => mutants.length > 0)
  writeFileSync(PATH, `${JSON.stringify({ floors, groups: all }, undefined, 2)}\n`)
}
