/**
 * What a pipeline is made of: for tests that fail when somebody changes the order, drops a part, or loses an option.
 *
 * **Details**
 *
 * The expectations throw, so they work in every test runner. Pipelines inside of a pipeline count as their parts. The pipeline
 * of a service that a registry has made is `Policy.instanceOf(Pipeline.Kind, "llm")`.
 *
 * **Example** (The order and the numbers)
 *
 * ```ts import.meta.vitest
 * import { CircuitBreaker, Pipeline, Retry, Timeout } from "effect-resilience"
 * import { Structure } from "effect-resilience/testing"
 *
 * const prices = Pipeline.makeUnsafe({
 *   service: "prices",
 *   retry: { maxAttempts: 2 },
 *   circuitBreaker: { consecutiveFailures: 3 },
 *   timeout: "2 seconds"
 * })
 *
 * Structure.expectOrder(prices, [Retry.Kind, CircuitBreaker.Kind, Timeout.Kind])
 * Structure.expectOptions(prices, Timeout.Kind, { duration: "2 seconds" })
 * Structure.expectSound(prices)
 * Structure.get(prices, Retry.Kind).options.maxAttempts // => 2
 * ```
 */
import * as Equal from "effect/Equal"
import * as Formatter from "effect/Formatter"
import * as Schema from "effect/Schema"
import type * as Fallback from "../policy/Fallback.ts"
import * as Pipeline from "../policy/Pipeline.ts"
import type * as Policy from "../policy/Policy.ts"
import { isPipeline, partsOf } from "./internal/Parts.ts"

/** A pattern, as it declares itself: `Retry.Kind`. A part of one's own is named by its `kind`. */
export type Pattern = Pick<Policy.AnyKind, "id"> | string

/** The part of a pattern: a fallback's kind declares the record of a service, its part is the fallback. */
export type PartOf<I> = I extends Fallback.FallbackRecord ? Fallback.Fallback<unknown, unknown, unknown> : I

/** One part of a pipeline. */
export interface Part {
  readonly kind: string
  readonly service: string
  /** Those that it has now; `undefined` for a part without any. */
  readonly options: object | undefined
  readonly instance: Policy.Instance
}

/** The structure is not what the test expects. */
export class StructureError extends Error {
  readonly _tag = "StructureError"
  override readonly name = "StructureError"
}

/** All parts, the outermost first. A single policy is its only part. */
export const of = (subject: Policy.Instance): ReadonlyArray<Part> =>
  partsOf(subject)
    .filter((part) => !isPipeline(part))
    .map((instance) => ({
      kind: instance.kind,
      service: instance.service,
      options: "options" in instance ? Object(instance.options) : undefined,
      instance
    }))

/** Whether there is a part of a pattern. */
export const has = (subject: Policy.Instance, pattern: Pattern): boolean =>
  of(subject).some(({ kind }) => kind === idOf(pattern))

/** The only part of a pattern; throws when there is none, or more than one. */
export const get = <I extends Policy.Instance, Options>(
  subject: Policy.Instance,
  kind: Policy.Kind<I, Options>
): PartOf<I> => {
  const found = of(subject).filter((part) => part.kind === kind.id)
  if (found.length !== 1) fail(subject, `one ${kind.id}`)
  return found[0]!.instance as unknown as PartOf<I>
}

/** Throws unless the parts are of exactly these patterns, the outermost first. */
export const expectOrder = (subject: Policy.Instance, patterns: ReadonlyArray<Pattern>): void => {
  const expected = patterns.map(idOf)
  if (!Equal.equals(kindsOf(subject), expected)) fail(subject, textOf(expected))
}

/** Throws unless both patterns are there, and all parts of the first are outside of all parts of the second. */
export const expectAround = (subject: Policy.Instance, outer: Pattern, inner: Pattern): void => {
  const kinds = kindsOf(subject)
  const [last, first] = [kinds.lastIndexOf(idOf(outer)), kinds.indexOf(idOf(inner))]
  if (last === -1 || first === -1 || last > first) fail(subject, `${idOf(outer)} around ${idOf(inner)}`)
}

/**
 * Throws unless the only part of a pattern has these options. They are written as one would make it; options that are not
 * mentioned do not matter. A group of options, such as a budget, is compared as a whole.
 */
export const expectOptions = <I extends Policy.Instance & { readonly options: Options }, Options>(
  subject: Policy.Instance,
  kind: Policy.Kind<I, Options>,
  options: Partial<InputOf<I>>
): void => {
  const actual = get<I, Options>(subject, kind) as unknown as { readonly options: Readonly<Record<string, unknown>> }
  const expected: Readonly<Record<string, unknown>> = Object(
    Schema.decodeUnknownSync(kind.options as never)({ ...actual.options, ...options })
  )
  for (const name of Object.keys(options)) {
    if (Equal.equals(actual.options[name], expected[name])) continue
    const [has, wants] = [actual.options[name], expected[name]].map((value) => Formatter.format(value))
    throw new StructureError(`${kind.id} of "${subject.service}": expected ${name} ${wants}, got ${has}`)
  }
}

/** Options as they are written for the instance of a pattern. */
export type InputOf<I> = I extends { readonly reconfigure: (changes: infer Input extends object) => unknown }
  ? Input
  : object

/**
 * Throws if `Pipeline.lint` finds anything harmful.
 *
 * **Details**
 *
 * `except` names the rules that are broken on purpose. One that is not broken any more throws as well.
 */
export const expectSound = (
  subject: Policy.Instance,
  { except = [] }: { readonly except?: ReadonlyArray<string> | undefined } = {}
): void => {
  const findings = Pipeline.lint([subject])
  const harmful = findings
    .filter(({ rule }) => !except.includes(rule))
    .map(({ message, rule }) => `${rule}: ${message}`)
  const obsolete = except
    .filter((name) => !findings.some(({ rule }) => rule === name))
    .map((name) => `${name}: not broken`)
  if (harmful.length + obsolete.length === 0) return
  throw new StructureError(`the pipeline of "${subject.service}"\n${[...harmful, ...obsolete].join("\n")}`)
}

const idOf = (pattern: Pattern): string => (typeof pattern === "string" ? pattern : pattern.id)

const kindsOf = (subject: Policy.Instance): ReadonlyArray<string> => of(subject).map(({ kind }) => kind)

const textOf = (kinds: ReadonlyArray<string>): string => (kinds.length === 0 ? "no parts" : kinds.join(" > "))

const fail = (subject: Policy.Instance, expected: string): never => {
  const actual = textOf(kindsOf(subject))
  throw new StructureError(`the pipeline of "${subject.service}": expected ${expected}, got ${actual}`)
}
