/**
 * Errors of others, whose properties may be getters that throw.
 */

/** What can be read of an error. What its getters throw must not take the place of the error. */
export const readable = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}
