import { describe, expect } from "vitest"
import { isNearly, nearest } from "../../../src/policy/internal/nearest.ts"
import { distanceBetween } from "../../../src/resilience/internal/distance.ts"
import { type Dice, property } from "../../support/property.ts"

/** Levenshtein's definition, letter by letter. */
const distanceOf = (from: string, to: string): number => {
  const rows = [Array.from({ length: to.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= from.length; row++) {
    rows[row] = [row]
    for (let column = 1; column <= to.length; column++) {
      const changed = rows[row - 1]![column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1)
      rows[row]![column] = Math.min(changed, rows[row - 1]![column]! + 1, rows[row]![column - 1]! + 1)
    }
  }
  return rows[from.length]![to.length]!
}

/** Of few letters, so that many are the same; some differ in letters at one place only. */
const nameOf = (dice: Dice): string => {
  const word = () => dice.many(dice.pick([1, 3, 12]), () => dice.pick(["a", "b", "B", "_", "🔥", "İ"])).join("")
  return `${dice.pick(["", "retry_service_"])}${word()}${dice.pick(["", "_max_attempts"])}`
}

describe("the distance between two names", () => {
  property(
    "is how many letters are wrong, or one that is beyond the bound, as it is",
    (dice) => ({ from: nameOf(dice), to: nameOf(dice), bound: dice.integer(0, 20) }),
    ({ bound, from, to }) => {
      const distance = distanceOf(from, to)
      expect(distanceBetween(from, to)).toBe(distance)
      const bounded = distanceBetween(from, to, bound)
      if (distance < bound) expect(bounded).toBe(distance)
      else expect(bounded).toBeGreaterThanOrEqual(bound)
      expect(isNearly(from, to)).toBe(
        distance < 2 || (distance === 2 && [...from].toSorted().join("") === [...to].toSorted().join(""))
      )
    },
    { runs: 3_000 }
  )

  property(
    "is the least for the nearest, the first of several",
    (dice) => ({ name: nameOf(dice), known: dice.many(12, () => nameOf(dice)) }),
    ({ known, name }) => {
      const near = known
        .map((one) => ({ one, distance: distanceOf(name.toLowerCase(), one.toLowerCase()) }))
        .filter(({ distance }) => distance <= Math.max(2, Math.floor(name.length / 3)))
        .toSorted((a, b) => a.distance - b.distance)
      expect(nearest(name, known)).toBe(near[0]?.one)
      expect(nearest(name, known, distanceBetween)).toBe(near[0]?.one)
    },
    { runs: 3_000 }
  )
})
