/**
 * Options that change while an instance runs.
 */
import type * as Kinds from "./kind.ts"
import * as Fields from "./options.ts"

/**
 * The options with some of them changed. Wrong ones are an error that names each of them, and so is the change of an option
 * that is part of the instance's state.
 */
export const changed = <Options>(decoding: Kinds.Decoding<Options>, current: object, changes: object): Options => {
  const label = `${decoding.id}.reconfigure`
  const fixed = Object.keys(changes).filter((option) => decoding.fixed?.includes(option))
  if (fixed.length > 0) throw new Error(`${label}: cannot change while it runs: ${fixed.join(", ")}`)
  return Fields.decodeOrThrow(label, decoding, { ...current, ...changes }, Object.keys(changes))
}
