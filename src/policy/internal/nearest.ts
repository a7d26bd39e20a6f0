/**
 * The known name that was probably meant.
 */

/** Finds out how many letters of one name are wrong in another. From the bound on, any number will do. */
export type DistanceBetween = (from: string, to: string, bound: number) => number

/** The nearest of the known names by edit distance (Levenshtein), if it is near enough to be a slip. */
export const nearest = (
  name: string,
  known: Iterable<string>,
  between: DistanceBetween = distanceBetween
): string | undefined => {
  let best: string | undefined
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    // So many letters at least are too many or missing, and to count the rest takes time.
    if (Math.abs(name.length - candidate.length) >= least) continue
    const distance = between(name.toLowerCase(), candidate.toLowerCase(), least)
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** Whether a name is the meant one, or that with one slip: a letter too many, missing or wrong, or two letters swapped. */
export const isNearly = (name: string, meant: string): boolean => {
  const distance = distanceBetween(name, meant)
  return distance < 2 || (distance === 2 && [...name].toSorted().join("") === [...meant].toSorted().join(""))
}

const distanceBetween = (from: string, to: string): number => {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const changed = above[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min(changed, above[column]! + 1, current[column - 1]! + 1))
    }
    above = current
  }
  return above[to.length]!
}
