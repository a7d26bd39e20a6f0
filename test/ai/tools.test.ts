import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Schema, Stream } from "effect"
import { AiError, LanguageModel, Tool, Toolkit } from "effect/ai"
import { TestClock } from "effect/testing"
import { ResilientLanguageModel } from "../../src/ai/index.ts"
import { Resilience } from "../../src/index.ts"

const Pay = Tool.make("Pay", {
  parameters: Schema.Struct({ amount: Schema.Finite }),
  success: Schema.String,
  needsApproval: true
})
const toolkit = Toolkit.make(Pay)
type Handlers = Tool.HandlersFor<Toolkit.Tools<typeof toolkit>>

/** What a model has said, and what its tools have. */
interface Answer {
  readonly text: string
  readonly results: ReadonlyArray<unknown>
}

/** Somebody has been asked whether the tool may run, and said yes. */
const prompt = [
  { role: "user", content: "Pay my bill" },
  {
    role: "assistant",
    content: [
      { type: "tool-call", id: "call", name: "Pay", params: { amount: 10 }, providerExecuted: false },
      { type: "tool-approval-request", approvalId: "approval", toolCallId: "call" }
    ]
  },
  { role: "tool", content: [{ type: "tool-approval-response", approvalId: "approval", approved: true }] }
] as const

const busy = AiError.make({
  module: "test",
  method: "generateText",
  reason: new AiError.InternalProviderError({ description: "busy" })
})

/** A model that fails some times before it answers. */
const model = (failures: number) => {
  let asked = 0
  const next = Effect.suspend(() => (asked++ < failures ? Effect.fail(busy) : Effect.succeed([])))
  return {
    asked: () => asked,
    made: LanguageModel.make({
      generateText: () => Effect.as(next, [{ type: "text", text: "Done" }]),
      streamText: () => Stream.unwrap(Effect.as(next, Stream.make({ type: "text-delta", id: "1", delta: "Done" })))
    })
  }
}

const candidates = (models: ReadonlyArray<ReturnType<typeof model>>) =>
  Effect.forEach(models, ({ made }, number) =>
    Effect.map(made, (languageModel) => ({ provider: `p${number}`, model: "m", languageModel }))
  )

const config = { retry: { maxAttempts: 3, baseDelay: "1 millis", jitter: "none" }, timeout: "1 second" } as const

/** Asks the models while the tool does what the handler says, and tells how often it ran. */
const pay = Effect.fnUntraced(
  function* (
    handler: Effect.Effect<string, AiError.AiErrorReason>,
    models: ReadonlyArray<ReturnType<typeof model>>,
    use: (made: LanguageModel.LanguageModel) => Effect.Effect<Answer, unknown, Handlers>
  ) {
    const [first, ...others] = yield* candidates(models)
    const made = yield* ResilientLanguageModel.make([first!, ...others])
    let payments = 0
    const handlers = toolkit.toLayer({
      Pay: () =>
        Effect.suspend(() => {
          payments++
          return handler
        })
    })
    const fiber = yield* Effect.forkChild(Effect.exit(use(made)).pipe(Effect.provide(handlers)))
    // In steps: a tool has a fiber of its own, which needs its turns.
    yield* Effect.repeat(TestClock.adjust("10 millis"), { times: 500 })
    return { exit: yield* Fiber.join(fiber), payments }
  },
  Effect.provide(Resilience.layer(config))
)

const whole = (made: LanguageModel.LanguageModel) =>
  Effect.map(made.generateText({ prompt: prompt as never, toolkit }), ({ text, toolResults }) => ({
    text,
    results: toolResults.map(({ result }) => result)
  }))

const streamed = (made: LanguageModel.LanguageModel) =>
  Effect.map(Stream.runCollect(made.streamText({ prompt: prompt as never, toolkit })), (parts) => ({
    text: parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : [])).join(""),
    results: parts.flatMap((part) => (part.type === "tool-result" ? [part.result] : []))
  }))

describe("a tool that somebody has approved", () => {
  it.effect("runs once, however often the model has to be asked", () =>
    Effect.gen(function* () {
      const flaky = model(2)
      const { exit, payments } = yield* pay(Effect.succeed("paid"), [flaky], whole)
      assert.strictEqual(flaky.asked(), 3)
      assert.deepStrictEqual(exit, Exit.succeed({ text: "Done", results: ["paid"] }))
      assert.strictEqual(payments, 1)
    })
  )

  it.effect("runs once, also when another model has to answer", () =>
    Effect.gen(function* () {
      const { exit, payments } = yield* pay(Effect.succeed("paid"), [model(100), model(0)], whole)
      assert.deepStrictEqual(exit, Exit.succeed({ text: "Done", results: ["paid"] }))
      assert.strictEqual(payments, 1)
    })
  )

  it.effect("fails once, and every attempt hears of it", () =>
    Effect.gen(function* () {
      const { exit, payments } = yield* pay(Effect.fail(busy.reason), [model(0)], whole)
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(payments, 1)
    })
  )

  it.effect.each([
    ["whole", whole],
    ["streamed", streamed]
  ] as const)("does not run again after it was cut off, %s", ([, use]) =>
    Effect.gen(function* () {
      const { exit, payments } = yield* pay(Effect.never, [model(0), model(0)], use)
      const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : assert.fail("succeeded")
      assert.strictEqual(AiError.isAiError(error) && error.reason._tag, "InvalidToolResultError")
      assert.strictEqual(payments, 1)
    })
  )

  it.effect("runs again with the same effect", () =>
    Effect.gen(function* () {
      const { payments } = yield* pay(Effect.succeed("paid"), [model(0)], (made) =>
        Effect.repeat(whole(made), { times: 1 })
      )
      assert.strictEqual(payments, 2)
    })
  )
})
