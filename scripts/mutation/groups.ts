/** Mutants that can be active together: of two in one place, one would hide the other. */
import { readFileSync } from "node:fs"
import type { Mutant, Position } from "./instrument.ts"

const mutants: ReadonlyMap<string, Mutant> = new Map(
  (JSON.parse(readFileSync(process.env["MUTATION_MUTANTS"]!, "utf8")) as ReadonlyArray<Mutant>).map((mutant) => [
    mutant.id,
    mutant
  ])
)

/** Deals the mutants out to groups in which no two overlap. */
export const apart = (ids: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const groups: Array<Array<Mutant>> = []
  for (const id of ids) {
    const mutant = mutants.get(id)!
    const group = groups.find((others) => !others.some((other) => overlap(mutant, other)))
    if (group === undefined) groups.push([mutant])
    else group.push(mutant)
  }
  return groups.map((group) => group.map(({ id }) => id))
}

const overlap = (one: Mutant, other: Mutant): boolean =>
  one.file === other.file && isBefore(one.from, other.to) && isBefore(other.from, one.to)

const isBefore = (one: Position, other: Position): boolean =>
  one.line < other.line || (one.line === other.line && one.column < other.column)
