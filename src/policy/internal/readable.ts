/**
 * Errors of others, whose properties may be getters that throw.
 */

/** Whether it has properties. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null

/** What can be read of an error. What its getters throw must not take the place of the error. */
export const readable = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}
