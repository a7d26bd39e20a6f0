/**
 * Options that change while an instance runs.
 */
import type * as Policy from "../Policy.ts"
import * as Fields from "./options.ts"

type Kind<S extends Fields.Pure> = Fields.Readable<S> & Pick<Policy.AnyKind, "fixed" | "id">

/**
 * The options with some of them changed. Wrong ones are an error that names each of them, and so is the change of an option
 * that is part of the instance's state.
 */
export const changed = <S extends Fields.Pure>(kind: Kind<S>, current: object, changes: object): S["Type"] => {
  const label = `${kind.id}.reconfigure`
  const fixed = Object.keys(changes).filter((option) => kind.fixed?.includes(option))
  if (fixed.length > 0) throw new Error(`${label}: cannot change while it runs: ${fixed.join(", ")}`)
  return Fields.decodeOrThrow(label, kind, { ...current, ...changes }, Object.keys(changes))
}
