import { describe, expect, it } from "@effect/vitest"
import { type Behaviour, phaseAt, planDay, replyTo } from "../../examples/demo/script-of-the-day.ts"

const behaviourOf = (name: string): Behaviour => planDay(20_000).find((phase) => phase.name === name)!.behaviour!

const replies = (behaviour: Behaviour, sinceMillis: number, calls: number) =>
  Array.from({ length: calls }, (_, index) => replyTo(behaviour, sinceMillis, index + 1))

const refusals = (behaviour: Behaviour, sinceMillis: number, calls: number) =>
  replies(behaviour, sinceMillis, calls).filter(({ _tag }) => _tag === "Refuse").length

describe("the plan of the day", () => {
  it("has every mood in its order", () => {
    expect(planDay(20_000).map(({ name }) => name)).toEqual([
      "healthy",
      "slow",
      "503s",
      "529s",
      "hanging",
      "dead",
      "recovered"
    ])
  })

  it.each([5000, 20_000, 61_234])("fills a day of %i ms without a gap", (dayMillis) => {
    const plan = planDay(dayMillis)
    expect(plan[0]!.startMillis).toBe(0)
    expect(plan.at(-1)!.endMillis).toBe(dayMillis)
    for (const [index, phase] of plan.slice(1).entries()) expect(phase.startMillis).toBe(plan[index]!.endMillis)
    expect(plan.every(({ endMillis, startMillis }) => endMillis > startMillis)).toBe(true)
  })

  it("has a process that can behave in every phase but one", () => {
    expect(planDay(20_000).filter(({ behaviour }) => behaviour === undefined)).toMatchObject([{ name: "dead" }])
  })

  it("can travel to another process", () => {
    const plan = planDay(20_000)
    expect(JSON.parse(JSON.stringify(plan.filter(({ behaviour }) => behaviour !== undefined)))).toEqual(
      plan.filter(({ behaviour }) => behaviour !== undefined)
    )
  })

  it("ends as it began", () => {
    expect(behaviourOf("recovered")).toEqual(behaviourOf("healthy"))
  })
})

describe("the phase at a moment", () => {
  const plan = planDay(20_000)

  it("begins at exactly its start", () => {
    expect(phaseAt(plan, plan[1]!.startMillis - 0.001).name).toBe("healthy")
    expect(phaseAt(plan, plan[1]!.startMillis).name).toBe("slow")
  })

  it("is the nearest one outside of the day", () => {
    expect(phaseAt(plan, -1).name).toBe("healthy")
    expect(phaseAt(plan, 99_999).name).toBe("recovered")
  })
})

describe("the provider", () => {
  it("answers within its latencies, and not always after the same time", () => {
    const latencies = replies(behaviourOf("slow"), 0, 200).map((reply) =>
      reply._tag === "Answer" ? reply.afterMillis : -1
    )
    expect(Math.min(...latencies)).toBeGreaterThanOrEqual(75)
    expect(Math.max(...latencies)).toBeLessThanOrEqual(225)
    expect(new Set(latencies).size).toBeGreaterThan(50)
  })

  it("treats each call in the same way on every day", () => {
    expect(replies(behaviourOf("529s"), 10, 50)).toEqual(replies(behaviourOf("529s"), 10, 50))
  })

  it("is five times slower when it is slow", () => {
    expect(behaviourOf("slow").latencyMillis).toEqual(behaviourOf("healthy").latencyMillis.map((millis) => millis * 5))
  })

  it("refuses everything during a burst of 503s and nothing between two of them", () => {
    const behaviour = behaviourOf("503s")
    expect(refusals(behaviour, 0, 50)).toBe(50)
    expect(refusals(behaviour, 149.9, 50)).toBe(50)
    expect(refusals(behaviour, 150, 50)).toBe(0)
    expect(refusals(behaviour, 599.9, 50)).toBe(0)
    expect(refusals(behaviour, 600, 50)).toBe(50)
    expect(replyTo(behaviour, 0, 1)).toMatchObject({ _tag: "Refuse", refusal: { status: 503 } })
  })

  it("refuses four of five calls while it is overloaded, and says when to come back", () => {
    const behaviour = behaviourOf("529s")
    expect(refusals(behaviour, 0, 100)).toBeGreaterThanOrEqual(78)
    expect(refusals(behaviour, 1234, 100)).toBeLessThanOrEqual(82)
    expect(replies(behaviour, 0, 100)).toContainEqual(
      expect.objectContaining({ refusal: { status: 529, share: 0.8, retryAfterSeconds: 1 } })
    )
  })

  it.each([0, 1])("treats two callers that take turns alike: caller %i", (caller) => {
    const behaviour = behaviourOf("529s")
    const own = replies(behaviour, 0, 200).filter((_, index) => index % 2 === caller)
    const refused = own.filter(({ _tag }) => _tag === "Refuse").length
    expect(refused).toBeGreaterThanOrEqual(78)
    expect(refused).toBeLessThanOrEqual(82)
  })

  it("says nothing at all while it hangs", () => {
    expect(new Set(replies(behaviourOf("hanging"), 0, 50).map(({ _tag }) => _tag))).toEqual(new Set(["Hang"]))
  })
})
