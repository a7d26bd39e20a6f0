import { describe, expect, it } from "@effect/vitest"
import { Clock, Context, Effect, Random } from "effect"
import { Simulation } from "../../../src/testing/internal/Simulation.ts"

describe("a simulation", () => {
  it("runs a fiber as far as it comes by itself", () => {
    const simulation = new Simulation()
    const log: Array<string> = []
    const say = (word: string) => Effect.sync(() => log.push(word))
    simulation.start(Effect.andThen(say("a"), Effect.andThen(Effect.yieldNow, say("b"))))
    expect(log).toEqual(["a"])
    simulation.settle()
    expect(log).toEqual(["a", "b"])
  })

  it("goes on by as many steps as it is told", () => {
    const simulation = new Simulation()
    let turns = 0
    const turn = Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => turns++)
    )
    simulation.start(Effect.replicateEffect(turn, 5, { discard: true }))
    simulation.settle(2)
    expect(turns).toBe(2)
    simulation.settle()
    expect(turns).toBe(5)
  })

  it("goes on at once where a fiber asks for it", () => {
    const simulation = new Simulation()
    const log: Array<string> = []
    const say = (word: string) => Effect.sync(() => log.push(word))
    simulation.start(Effect.andThen(Effect.yieldNow, say("b")))
    const flush = Effect.withFiber((fiber) => Effect.sync(() => fiber.currentDispatcher.flush()))
    simulation.start(Effect.andThen(say("a"), Effect.andThen(flush, say("c"))))
    expect(log).toEqual(["a", "b", "c"])
  })

  it("lets time pass, and everything happen at its instant", () => {
    const simulation = new Simulation()
    const instants: Array<number> = []
    const note = Effect.map(Clock.currentTimeMillis, (now) => instants.push(now))
    simulation.start(Effect.replicateEffect(Effect.andThen(Effect.sleep(10), note), 3, { discard: true }))
    simulation.advance(25)
    expect([simulation.now, instants]).toEqual([25, [10, 20]])
    simulation.advance(5)
    expect([simulation.now, instants]).toEqual([30, [10, 20, 30]])
  })

  it("lets happen what can happen now before time passes", () => {
    const simulation = new Simulation()
    let at = -1
    const turns = Effect.replicateEffect(Effect.yieldNow, 20, { discard: true })
    simulation.start(
      Effect.andThen(
        turns,
        Effect.map(Clock.currentTimeMillis, (now) => (at = now))
      )
    )
    simulation.advance(100)
    expect(at).toBe(0)
  })

  it("has the context and the chance that it is given, and yields as often as it is told", () => {
    const Name = Context.Reference("test/Name", { defaultValue: () => "nobody" })
    const options = { context: Context.make(Name, "Ada"), random: () => 0.25, operationsBeforeYield: 3 }
    const simulation = new Simulation(options)
    const fiber = simulation.start(Effect.all([Name, Random.next, Random.nextInt, Effect.void, Effect.void]))
    expect(fiber.pollUnsafe()).toBeUndefined()
    simulation.settle()
    expect(fiber.pollUnsafe()).toMatchObject({
      value: ["Ada", 0.25, Number.MIN_SAFE_INTEGER / 2 - 0.5, undefined, undefined]
    })
  })
})
