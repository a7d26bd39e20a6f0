/**
 * How a pattern declares its kind, so that a program that makes its instances itself need not contain all of it.
 *
 * **Details**
 *
 * Every program decodes options, but metrics and commands are for those who have a registry. A bundler leaves out what nobody
 * asks for; a call at the top level of a module, however, only where a comment in front of it says that it does nothing
 * besides giving its result: `@__PURE__`. Inside a function, such as the one for {@link declare}, no such comment is needed.
 */
import type * as Policy from "../Policy.ts"

/** What it takes to decode the options of a kind. */
export type Decoding<Options> = Pick<Policy.Kind<Policy.Instance, Options>, "fixed" | "id" | "ineffective" | "options">

/** The whole kind. */
export const declare = <I extends Policy.Instance, Options>(
  decoding: Decoding<Options>,
  rest: () => Omit<Policy.Kind<I, Options>, keyof Decoding<Options>>
): Policy.Kind<I, Options> => ({ ...decoding, ...rest() })
