import { Effect, Layer, ManagedRuntime, Result } from "effect"
import { TestClock } from "effect/testing"
import { afterAll, describe, expect } from "vitest"
import { Policy, Resilience } from "../../src/index.ts"
import { type Dice, property } from "../support/property.ts"
import { json, objectOf, slip, text } from "../support/texts.ts"

const events: Array<Policy.Event> = []
const runtime = ManagedRuntime.make(
  Layer.effectDiscard(Policy.subscribe((event) => void events.push(event))).pipe(
    Layer.provideMerge(Resilience.layer({ services: { llm: {}, "payment-api": {} } })),
    // What is refused must change nothing: not even the time until a circuit lets somebody in.
    Layer.provideMerge(TestClock.layer())
  )
)
afterAll(() => runtime.dispose())

const anyName = (dice: Dice, known: ReadonlyArray<string>): string =>
  dice.oneOf(
    () => dice.pick(known),
    () => dice.pick(known),
    () => slip(dice, dice.pick(known)),
    () => text(dice)
  )

const options = [
  "duration",
  "maxAttempts",
  "overload.maxAttempts",
  "budget.ratio",
  "mode",
  "maxConcurrent",
  "x",
  ".",
  ""
]

const parametersOf = (dice: Dice): object =>
  objectOf(
    dice.many(3, () => {
      const name = anyName(dice, ["option", "value", "limit", "mode", "reason", "duration"])
      return [name, name === "option" ? anyName(dice, options) : json(dice, 2)]
    })
  )

const requestOf = (dice: Dice): Resilience.Request => {
  const command = dice.pick(Resilience.commands)
  return {
    service: anyName(dice, ["llm", "payment-api"]),
    pattern: anyName(dice, [command.pattern]),
    command: anyName(dice, [command.name]),
    parameters: dice.oneOf(
      () => undefined,
      () => parametersOf(dice)
    ),
    by: dice.oneOf(
      () => undefined,
      () => text(dice)
    )
  }
}

describe("whatever is commanded", () => {
  property(
    "is done, and one event tells of it; or an error says what is wrong, and nothing is done",
    requestOf,
    async (request) => {
      const before = await runtime.runPromise(Resilience.status)
      events.length = 0
      const result = await runtime.runPromise(Effect.result(Resilience.command(request)))
      const after = await runtime.runPromise(Resilience.status)
      const told = events.filter(({ _tag }) => _tag === "OperatorCommand")
      if (Result.isSuccess(result)) {
        expect(told).toHaveLength(1)
        expect(told[0]).toMatchObject({ service: request.service, attributes: { command: request.command } })
        const command = Resilience.commands.find(
          ({ name, pattern }) => name === request.command && pattern === request.pattern
        )
        const known = ["command", "by", ...Object.keys(command?.parameters.fields ?? {})]
        expect(known).toEqual(expect.arrayContaining(Object.keys(told[0]!.attributes)))
      } else {
        expect(result.failure).toMatchObject({ _tag: "CommandError", service: request.service })
        expect(result.failure.problem).toMatch(/called|missing|expected|cannot|must/)
        expect(result.failure.problem).not.toMatch(/TypeError|RangeError|undefined \(|is not a function/)
        expect(told).toEqual([])
        expect(after).toEqual(before)
      }
      expect(after.map(({ pattern, service }) => [service, pattern])).toEqual(
        before.map(({ pattern, service }) => [service, pattern])
      )
      expect(Object.keys(Object.prototype)).toEqual([])
    },
    { runs: 1_000 }
  )
})
