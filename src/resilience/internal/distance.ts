/**
 * How far names are apart, where there may be thousands of them.
 */

/** How many letters are wrong; of names that are further apart than a bound, this or any number from the bound on. */
export const distanceBetween = (from: string, to: string, bound = Infinity): number => {
  const shorter = Math.min(from.length, to.length)
  let start = 0
  while (start < shorter && from[start] === to[start]) start++
  let same = 0
  while (same < shorter - start && from.at(-1 - same) === to.at(-1 - same)) same++
  return distanceOfParts(from.slice(start, from.length - same), to.slice(start, to.length - same), bound)
}

/**
 * One row of distances at a time, each written over the one above: there may be thousands of names. Columns that are as far
 * from the diagonal as the bound are left out: so many letters are too many or missing there.
 */
const distanceOfParts = (from: string, to: string, bound: number): number => {
  const row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let line = 1; line <= from.length; line++) {
    const letter = from.charCodeAt(line - 1)
    const first = Math.max(1, line - bound + 1)
    const last = Math.min(to.length, line + bound - 1)
    let diagonal = row[first - 1]!
    let before = first === 1 ? line : Infinity
    let least = before
    row[0] = line
    for (let column = first; column <= last; column++) {
      const above = row[column]!
      const changed = letter === to.charCodeAt(column - 1) ? diagonal : diagonal + 1
      before = Math.min(changed, above + 1, before + 1)
      row[column] = before
      diagonal = above
      if (before < least) least = before
    }
    if (least >= bound) return least
  }
  return row[to.length]!
}
