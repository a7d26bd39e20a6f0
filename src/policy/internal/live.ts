/**
 * Options that change while an instance runs.
 */
import type * as Kinds from "./kind.ts"
import * as Fields from "./options.ts"

/**
 * The options with some of them changed; one that is undefined stays as it is. Wrong ones are an error that names each of
 * them, and so is the change of an option that is part of the instance's state.
 */
export const changed = <Options>(decoding: Kinds.Decoding<Options>, current: object, changes: object): Options => {
  const label = `${decoding.id}.reconfigure`
  const written = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
  const fixed = Object.keys(written).filter((option) => decoding.fixed?.includes(option))
  if (fixed.length > 0) throw new Error(`${label}: cannot change while it runs: ${fixed.join(", ")}`)
  return Fields.decodeOrThrow(label, decoding, { ...current, ...written }, Object.keys(written))
}
