import { expect, it } from "@effect/vitest"
import * as TraitDefaults from "../../../src/policy/internal/traitDefaults.ts"

it.each([
  [399, false],
  [400, true],
  [450.5, false],
  [599, true],
  [600, false]
])("the status %d is that of an error: %s", (status, expected) => {
  expect(TraitDefaults.isStatus(status)).toBe(expected)
})

it("an error without a code has an empty one, which is a mistake", () => {
  expect(TraitDefaults.mistakesOf(TraitDefaults.complete({ httpStatus: 503 }))).toEqual([
    'errorCode: expected a name without spaces, got ""'
  ])
})
