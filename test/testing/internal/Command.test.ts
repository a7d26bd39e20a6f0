import { expect, it } from "vitest"
import { type Behaviour, type Command, textOf } from "../../../src/testing/internal/Command.ts"

const succeeds: Behaviour = { does: "succeed", after: 0, stubborn: 0, error: "down" }
const call = {
  _tag: "Call",
  id: 1,
  key: undefined,
  remaining: undefined,
  steps: Infinity,
  isInterrupted: false
} as const

it.each<[Command, string]>([
  [{ ...call, behaviours: [succeeds] }, "call 1: succeed"],
  [
    { ...call, key: "a", remaining: 20, steps: 3, isInterrupted: true, behaviours: [{ ...succeeds, does: "fail" }] },
    `call 1 (key "a", 20 ms to the caller's deadline, 3 steps, then interrupted): fail with "down"`
  ],
  [
    {
      ...call,
      behaviours: [
        { ...succeeds, after: 5, stubborn: 7 },
        { ...succeeds, does: "hang", after: 5 }
      ]
    },
    "call 1: succeed after 5 ms, 7 ms to interrupt, then hang"
  ],
  [{ _tag: "Interrupt", id: 3, steps: 1 }, "interrupt call 3"],
  [{ _tag: "Wait", millis: 1_500 }, "wait 1s 500ms"],
  [{ _tag: "Order", part: 2, order: "trip", value: 4 }, "part 2: trip"],
  [{ _tag: "Order", part: 2, order: "resize", value: 4 }, "part 2: resize to 4"]
])("%j in words", (command, expected) => {
  expect(textOf(command, (part) => `part ${part}`)).toBe(expected)
})
