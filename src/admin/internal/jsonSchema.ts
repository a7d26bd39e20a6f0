/**
 * What the parameters of a command are, for tools.
 */
import * as Schema from "effect/Schema"
import * as Fields from "../../policy/internal/options.ts"
import { isDuration, textOf } from "../../resilience/internal/texts.ts"
import { plainFields } from "./plain.ts"

/** The JSON Schema of a struct: no other fields, and each with its description. */
export const jsonSchemaOf = (
  fields: Readonly<Record<string, Schema.Constraint>>
): Readonly<Record<string, Schema.Json>> => {
  const { required } = Schema.toJsonSchemaDocument(Schema.Struct(fields)).schema
  return plainFields({
    type: "object",
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, propertyOf(field)])),
    required: required ?? [],
    additionalProperties: false
  })
}

const propertyOf = (field: Schema.Constraint) => {
  const { description } = Fields.aboutOf(field)
  if (isDuration(textOf(field.ast))) return { type: "string", description: [description, DURATION].join(". ") }
  const { anyOf, ...schema } = Schema.toJsonSchemaDocument(field).schema
  // A number can also be written as text such as "NaN" elsewhere, but not here.
  const isNumber = Array.isArray(anyOf) && anyOf.some((one) => one.type === "number")
  return {
    ...(isNumber ? { type: "number" } : { ...schema, anyOf }),
    description
  }
}

const DURATION = 'A text such as "5 seconds" or "1m 30s"; without a unit, it is seconds'
