/**
 * Mutants that can be active together. Of two in one place, one would hide the other; and one that makes no difference can
 * hide many, when it switches a shortcut off, so those that are listed as survivors stay among themselves.
 */
import { readFileSync } from "node:fs"
import type { Mutant, Position } from "./instrument.ts"
import { isListed } from "./survivors.ts"

const mutants: ReadonlyMap<string, Mutant> = new Map(
  (JSON.parse(readFileSync(process.env["MUTATION_MUTANTS"]!, "utf8")) as ReadonlyArray<Mutant>).map((mutant) => [
    mutant.id,
    mutant
  ])
)

/** Those on the list. */
export const listed: ReadonlySet<string> = new Set([...mutants.values()].filter(isListed()).map(({ id }) => id))

/** Deals the mutants out to groups in which none hides another. */
export const apart = (ids: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const groups: Array<Array<Mutant>> = []
  for (const id of ids) {
    const mutant = mutants.get(id)!
    const group = groups.find((others) => !others.some((other) => hides(mutant, other)))
    if (group === undefined) groups.push([mutant])
    else group.push(mutant)
  }
  return groups.map((group) => group.map(({ id }) => id))
}

const hides = (one: Mutant, other: Mutant): boolean =>
  listed.has(one.id) !== listed.has(other.id) || overlap(one, other)

const overlap = (one: Mutant, other: Mutant): boolean =>
  one.file === other.file && isBefore(one.from, other.to) && isBefore(other.from, one.to)

const isBefore = (one: Position, other: Position): boolean =>
  one.line < other.line || (one.line === other.line && one.column < other.column)
