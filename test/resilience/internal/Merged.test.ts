import { expect, it } from "vitest"
import { written } from "../../../src/resilience/internal/Merged.ts"

const settings = (options: Record<string, unknown>) =>
  new Map(Object.entries(options).map(([path, value]) => [path, { value, shown: value, where: path }]))

it("writes settings as options, in groups", () => {
  expect(written(settings({ "budget.ratio": 0.5, maxAttempts: 3, "budget.window": 1 }))).toEqual({
    budget: { ratio: 0.5, window: 1 },
    maxAttempts: 3
  })
})

it("leaves what is no group as it is", () => {
  expect(written(settings({ budget: false, "budget.ratio": 0.5, "budget.ratio.more.still": 1 }))).toEqual({
    budget: false
  })
})
