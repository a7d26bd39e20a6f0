/**
 * The building blocks of every pattern's `Options` schema, and one way to report what is wrong with a value.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type { Relation } from "../Policy.ts"
import { nearest } from "./nearest.ts"

/** What is said about an option beside its schema. */
export interface About {
  readonly description: string
  /** The last part of its environment variable, where that is not the name of the option itself. */
  readonly variable?: string
  /** A second variable that is true or false; false sets the option to this value. */
  readonly off?: { readonly variable: string; readonly value: unknown }
}

/** What is said about an option that is a group of options. */
export interface AboutGroup extends About {
  readonly group: { readonly fields: Readonly<Record<string, Schema.Constraint>> }
}

/** What is said about the option of a field. */
export const aboutOf = (field: Schema.Constraint): Partial<AboutGroup> =>
  (field.ast.context?.annotations ?? {}) as Partial<AboutGroup>

/** One wrong setting: where it is, what was expected, and what was there. */
export interface Problem {
  readonly path: ReadonlyArray<string>
  readonly message: string
  readonly actual: unknown
}

/** A schema whose decoding needs nothing. */
export type Pure = Schema.Constraint & { readonly DecodingServices: never }

/** The duration that an input means, if it means one. */
export const durationOf = (input: unknown): Duration.Duration | undefined => {
  if (Number.isNaN(input) || (isParts(input) && !areTimes(input))) return undefined
  return Option.getOrUndefined(Duration.fromInput(input as Duration.Input))
}

/** The duration that a call gives. It may have been computed: what came out as no number is zero. */
export const durationOfCall = (input: unknown): Duration.Duration | undefined => {
  const isNoNumber = Number.isNaN(input) || (isParts(input) && Object.values(input).some(Number.isNaN))
  return isNoNumber ? Duration.zero : durationOf(input)
}

const isParts = (input: unknown): input is object =>
  typeof input === "object" && input !== null && !Duration.isDuration(input)

/** Effect takes a part that is no number for zero, and overlooks units that it does not know. */
const areTimes = (parts: object): boolean => {
  const times = Object.entries(parts).filter(([, time]) => time !== undefined)
  const isTime = ([unit, time]: readonly [string, unknown]): boolean =>
    (Array.isArray(parts) || isUnit(unit)) && typeof time === "number" && !Number.isNaN(time)
  return times.length > 0 && times.every(isTime)
}

const isUnit = (name: string): boolean => !Duration.isZero(Duration.fromInputUnsafe({ [name]: 1 } as Duration.Input))

const AnyDuration = Schema.declare<Duration.Input>(
  (input): input is Duration.Input => durationOf(input) !== undefined,
  {
    expected: 'a duration such as "500 millis"'
  }
).pipe(
  Schema.decodeTo(
    Schema.Duration,
    SchemaTransformation.transform({
      decode: (input: Duration.Input) => Duration.fromInputUnsafe(input),
      encode: (duration): Duration.Input => duration
    })
  )
)

const durationThat = (expected: string, isValid: (millis: number) => boolean) =>
  AnyDuration.check(
    Schema.makeFilter<Duration.Duration>((duration) => isValid(Duration.toMillis(duration)), { expected })
  )

const numberThat = (expected: string, isValid: (value: number) => boolean) =>
  Schema.Number.check(Schema.makeFilter<number>((value) => isValid(value), { expected }))

/** A duration greater than zero; `Infinity` means "no limit". */
export const PositiveDuration = /* @__PURE__ */ durationThat("a duration greater than zero", (millis) => millis > 0)

/** A duration greater than zero that ends. */
export const FiniteDuration = /* @__PURE__ */ durationThat(
  "a finite duration greater than zero",
  (millis) => millis > 0 && Number.isFinite(millis)
)

/** A duration of zero or more that ends. */
export const DelayDuration = /* @__PURE__ */ durationThat(
  "a finite duration of zero or more",
  (millis) => millis >= 0 && Number.isFinite(millis)
)

/** A duration of zero or more; `Infinity` means "no limit". */
export const LimitDuration = /* @__PURE__ */ durationThat("a duration of zero or more", (millis) => millis >= 0)

/** A whole number of at least one. */
export const PositiveInt = /* @__PURE__ */ numberThat(
  "a whole number of at least 1",
  (value) => Number.isSafeInteger(value) && value >= 1
)

/** A whole number of at least zero. */
export const NonNegativeInt = /* @__PURE__ */ numberThat(
  "a whole number of at least 0",
  (value) => Number.isSafeInteger(value) && value >= 0
)

/** A number of at least zero. */
export const NonNegative = /* @__PURE__ */ numberThat(
  "a number of at least 0",
  (value) => Number.isFinite(value) && value >= 0
)

/** A growth factor. */
export const Factor = /* @__PURE__ */ numberThat(
  "a number of at least 1",
  (value) => Number.isFinite(value) && value >= 1
)

/** A share above 0, up to and including 1. */
export const Rate = /* @__PURE__ */ numberThat(
  "a share above 0 and at most 1 (0.5 means 50 %)",
  (value) => value > 0 && value <= 1
)

/** A share from 0 to 1. */
export const Share = /* @__PURE__ */ numberThat(
  "a share between 0 and 1 (0.5 means 50 %)",
  (value) => value >= 0 && value <= 1
)

/** An option that may be left out and then has a value all the same. */
export const defaulted = <S extends Schema.Constraint>(schema: S, value: S["Type"], about: About) =>
  Schema.withDecodingDefaultTypeKey<S>(Effect.succeed(value))(schema).pipe(Schema.annotateKey({ ...about }))

/** An option that may be left out and then has no value. */
export const optional = <S extends Schema.Constraint>(schema: S, about: About) =>
  Schema.optionalKey(schema).pipe(Schema.annotateKey({ ...about }))

/** A group of options that is always there; each of them has a default. */
export const group = <F extends Schema.Struct.Fields>(schema: Schema.Struct<F>, about: About) =>
  Schema.withDecodingDefaultKey<Schema.Struct<F>>(Effect.succeed({} as never))(schema).pipe(
    Schema.annotateKey({ ...about, group: schema })
  )

/** A group of options that may be left out as a whole. */
export const optionalGroup = <F extends Schema.Struct.Fields>(schema: Schema.Struct<F>, about: About) =>
  Schema.optionalKey(schema).pipe(Schema.annotateKey({ ...about, group: schema }))

/** Options that must fit each other. */
export const related = <F extends Schema.Struct.Fields>(
  schema: Schema.Struct<F>,
  relations: ReadonlyArray<Relation<Schema.Struct<F>["Type"]>>
): Schema.Struct<F> => {
  const broken = (options: Schema.Struct<F>["Type"]) =>
    relations.flatMap((relation) => {
      const issue = relation.check(options)
      return issue === undefined ? [] : [{ path: [relation.option], issue }]
    })
  return schema.check(Schema.makeFilter(broken, { relations }))
}

const relationsOf = (schema: Pure): ReadonlyArray<Relation<unknown>> =>
  (schema.ast.checks ?? []).flatMap(({ annotations }) => (annotations?.relations ?? []) as Array<Relation<unknown>>)

/** Decodes options and names everything that is wrong with them. */
export const decode = <S extends Pure>(schema: S, input: unknown): Result.Result<S["Type"], ReadonlyArray<Problem>> =>
  resultOf(decodePart(schema, input))

const resultOf = <A>({ options, problems }: Part<A>): Result.Result<A, ReadonlyArray<Problem>> =>
  problems.length === 0 ? Result.succeed(options as A) : Result.fail(problems)

/** The options without those that are wrong, if they are options at all. */
interface Part<out A> {
  readonly options: A | undefined
  readonly wrong: ReadonlySet<string>
  readonly problems: ReadonlyArray<Problem>
}

/** What the right options say about each other is found out as if the wrong ones had been left out. */
const decodePart = <S extends Pure>(
  schema: S,
  input: unknown,
  wrong: ReadonlySet<string> = new Set()
): Part<S["Type"]> => {
  const decoded = SchemaParser.decodeUnknownResult(schema)(withoutUndefined(leaveOut(input, wrong)), EVERYTHING)
  if (Result.isSuccess(decoded)) return { options: decoded.success, wrong, problems: [] }
  const all = problemsOf(schema, input, decoded.failure)
  const isCertain = ({ path }: Problem): boolean =>
    wrong.size === 0 ||
    relationsOf(schema).some((relation) => relation.option === path[0] && isBetween(relation, wrong))
  const problems = all.filter(isCertain)
  const names = all.flatMap(({ path }) => path.slice(0, 1))
  if (names.every((name) => wrong.has(name))) return { options: undefined, wrong, problems }
  const rest = decodePart(schema, input, new Set([...wrong, ...names]))
  return { ...rest, problems: [...problems, ...rest.problems] }
}

const EVERYTHING = { errors: "all", onExcessProperty: "error" } as const

/** Whether a relation looks at right options only. */
const isBetween = ({ option, others }: Relation<unknown>, wrong: ReadonlySet<string>): boolean =>
  ![option, ...others].some((name) => wrong.has(name))

const leaveOut = (input: unknown, names: ReadonlySet<string>): unknown =>
  names.size === 0 ? input : Object.fromEntries(Object.entries(Object(input)).filter(([name]) => !names.has(name)))

const problemsOf = (schema: Pure, input: unknown, issue: SchemaIssue.Issue): ReadonlyArray<Problem> =>
  toStandardIssues(issue).issues.map(({ message, path = [] }) => {
    const keys = path.map((segment) => String(typeof segment === "object" ? segment.key : segment))
    const expected = message === EXCESS ? `Expected no such option${suggestion(schema, keys)}` : message
    return { path: keys, message: expected, actual: keys.reduce(property, input) }
  })

/** What of a pattern's declaration is needed to read its options. */
export interface Readable<S extends Pure> {
  readonly options: S
  readonly ineffective: ReadonlyArray<Relation<S["Type"]>>
}

/** Decodes options, of which those in `written` must have an effect. */
export const decodeEffective = <S extends Pure>(
  readable: Readable<S>,
  input: unknown,
  written: Iterable<string>
): Result.Result<S["Type"], ReadonlyArray<Problem>> => {
  const part = decodePart(readable.options, input)
  return resultOf({ ...part, problems: [...part.problems, ...ineffectiveIn(part, readable, input, written)] })
}

/** The options in `written` that have no effect, as far as it can be known while others are wrong. */
export const ineffective = <S extends Pure>(
  readable: Readable<S>,
  input: unknown,
  written: Iterable<string>
): ReadonlyArray<Problem> => ineffectiveIn(decodePart(readable.options, input), readable, input, written)

const ineffectiveIn = <S extends Pure>(
  { options, wrong }: Part<S["Type"]>,
  readable: Readable<S>,
  input: unknown,
  written: Iterable<string>
): ReadonlyArray<Problem> =>
  Array.from(written).flatMap((name) => {
    const actual = property(input, name)
    if (options === undefined || actual === undefined) return []
    const known = readable.ineffective.filter((relation) => relation.option === name && isBetween(relation, wrong))
    const [message] = known.flatMap((relation) => relation.check(options) ?? [])
    return message === undefined ? [] : [{ path: [name], message, actual }]
  })

/** Decodes options given in code; wrong ones are a mistake in the program, so it throws. */
export const decodeOrThrow = <S extends Pure>(
  label: string,
  readable: Readable<S>,
  input: object,
  written: Iterable<string> = Object.keys(input)
): S["Type"] => {
  const decoded = decodeEffective(readable, input, written)
  if (Result.isSuccess(decoded)) return decoded.success
  throw new Error(`${label}: invalid options\n${decoded.failure.map(render).join("\n")}`)
}

/** One line for one problem. */
export const render = ({ actual, message, path }: Problem): string =>
  `  ${path.join(".") || "options"}: ${lowerFirst(message)}, got ${show(actual)}`

/** A value as a person would write it. */
export const show = (value: unknown): string => {
  if (Duration.isDuration(value)) return Duration.format(value)
  return typeof value === "string" || typeof value === "object" ? json(value) : String(value)
}

/** Not everything that can be written in code is JSON: it may be endless, for example. */
const json = (value: string | object | null): string => {
  try {
    return JSON.stringify(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

const EXCESS = "Expected no excess property"

const suggestion = (schema: unknown, path: ReadonlyArray<string>): string => {
  const parent = path.slice(0, -1).reduce(groupIn, schema)
  const guess = nearest(path.at(-1) ?? "", Object.keys(property(parent, "fields") ?? {}))
  return guess === undefined ? "" : ` (did you mean "${guess}"?)`
}

const groupIn = (parent: unknown, key: string): unknown => {
  const field = property(property(parent, "fields"), key)
  return field === undefined ? undefined : aboutOf(field as Schema.Constraint).group
}

const toStandardIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

const property = (value: unknown, key: string): unknown =>
  Object(value) === value ? (value as Record<string, unknown>)[key] : undefined

/** Options are in groups, and these in nothing else: what is deeper is wrong, and may be endless. */
const DEEPEST = 3

const withoutUndefined = (input: unknown, depth = 0): unknown =>
  typeof input === "object" && input !== null && !Duration.isDuration(input) && !Array.isArray(input) && depth < DEEPEST
    ? Object.fromEntries(
        Object.entries(input)
          .filter(([, value]) => value !== undefined)
          .map(([key, value]) => [key, withoutUndefined(value, depth + 1)])
      )
    : input
