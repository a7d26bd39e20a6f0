/**
 * The comparison of tokens.
 */
const encoder = new TextEncoder()

/**
 * Whether two texts are the same. The time that it takes depends on the length of the given one only: it tells nothing about
 * how much of it is right, or how long the expected one is.
 */
export const isSame = (given: string, expected: string): boolean => {
  const [left, right] = [encoder.encode(given), encoder.encode(expected)]
  let difference = left.length ^ right.length
  for (const [index, byte] of left.entries()) difference |= byte ^ right[index % right.length]!
  return difference === 0
}
