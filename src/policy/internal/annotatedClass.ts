/**
 * A class between that of a schema and the user's own, whose prototype carries the traits.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type { Declaration } from "../ErrorTraits.ts"
import * as TraitDefaults from "./traitDefaults.ts"

type Extend = (
  identifier: string
) => (fields: Schema.Struct.Fields, annotations?: Schema.Annotations.Annotations) => SchemaClass

interface SchemaClass {
  new (...args: Array<never>): object
  readonly identifier: string
  readonly fields: Schema.Struct.Fields
  readonly ast: SchemaAST.AST
  readonly extend: Extend
  readonly [DECLARATION]?: AnyDeclaration
}

type AnyDeclaration = Partial<Declaration<never>>

const TRAITS = ["errorCode", "httpStatus", "category", "retryPolicy", "needsHint", "retryAfter", "userMessage"] as const

const DECLARATION = Symbol.for("effect-resilience/ErrorTraits/declaration")

/** The class with traits; what it does not declare is that of its parent, or follows from the rest. */
export const make = <Self extends object>(self: Self, declaration: AnyDeclaration): Self => {
  const Parent = self as SchemaClass
  const declared = { ...Parent[DECLARATION], ...declaration }
  const fixed = TraitDefaults.complete(declared)
  reject(Parent, [
    ...TraitDefaults.mistakesOf(fixed),
    ...mistakesOfDynamic(declared),
    ...mistakesOfFields(Parent, declared)
  ])

  class Annotated extends Parent {}
  let ast: SchemaAST.AST | undefined
  Object.defineProperties(Annotated, {
    [DECLARATION]: { value: declared },
    ast: {
      // The schema of a class is made for whoever asks first, which is the user's class, and has to stay the same.
      get: function (this: SchemaClass) {
        const plain = Schema.make<Schema.Top>(Reflect.get(Parent, "ast", this))
        return (ast ??= plain.annotate({ httpApiStatus: fixed.httpStatus }).ast)
      }
    },
    extend: {
      value: function (this: SchemaClass, identifier: string): ReturnType<Extend> {
        return (...fields) => make(Reflect.apply(Parent.extend, this, [identifier])(...fields), {})
      }
    }
  })
  Object.defineProperties(Annotated.prototype, {
    ...Object.fromEntries(Object.entries(fixed).map(([name, value]) => [name, always(value)])),
    userMessage: dynamic(declared.userMessage, (text) => text ?? TraitDefaults.messageOf(fixed)),
    retryAfter: dynamic(declared.retryAfter, toDuration)
  })
  return Annotated as object as Self
}

const always = (value: unknown): PropertyDescriptor => ({ value, writable: true, configurable: true })

/** A value for all, or a function that is asked by each error. */
const dynamic = (declared: unknown, convert: (value: unknown) => unknown): PropertyDescriptor => {
  if (typeof declared !== "function") return always(convert(declared))
  return {
    configurable: true,
    get: function (this: unknown) {
      return convert(declared(this))
    }
  }
}

const toDuration = (input: unknown): Duration.Duration | undefined =>
  input === undefined ? undefined : Option.getOrUndefined(Duration.fromInput(input as Duration.Input))

const mistakesOfDynamic = ({ retryAfter, userMessage }: AnyDeclaration): ReadonlyArray<string> => [
  ...(userMessage === "" ? ["userMessage: expected a text, got none"] : []),
  ...(retryAfter === undefined || typeof retryAfter === "function" || toDuration(retryAfter) !== undefined
    ? []
    : [`retryAfter: expected a duration, got ${JSON.stringify(retryAfter)}`])
]

/** Two answers to one question would contradict each other. */
const mistakesOfFields = ({ fields }: SchemaClass, declared: AnyDeclaration): ReadonlyArray<string> =>
  TRAITS.flatMap((name) => {
    const isFieldOnly = (name === "retryAfter" || name === "userMessage") && declared[name] === undefined
    return Object.hasOwn(fields, name) && !isFieldOnly ? [`${name}: a field of this name contradicts the trait`] : []
  })

const reject = ({ identifier }: SchemaClass, mistakes: ReadonlyArray<string>): void => {
  if (mistakes.length > 0) throw new Error(`invalid traits of the error ${identifier}\n${mistakes.join("\n")}`)
}
