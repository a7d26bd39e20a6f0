import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Schema, Stream } from "effect"
import { AiError, LanguageModel, Tool, Toolkit } from "effect/ai"
import { TestClock } from "effect/testing"
import { ResilientLanguageModel } from "../../src/ai/index.ts"
import { CircuitBreaker, Policy, Resilience, Timeout } from "../../src/index.ts"

const options = { parameters: Schema.Struct({ amount: Schema.Finite }), success: Schema.String }
const toolkit = Toolkit.make(Tool.make("Pay", { ...options, needsApproval: true }), Tool.make("Look", options))
type Handlers = Tool.HandlersFor<Toolkit.Tools<typeof toolkit>>

const callOf = (name: string, amount: number) => ({
  type: "tool-call" as const,
  id: `${name} ${amount}`,
  name,
  params: { amount },
  providerExecuted: false
})

/** Somebody has been asked whether these payments may be made, and said yes. */
const approved = (...amounts: ReadonlyArray<number>) => [
  { role: "user", content: "Pay my bills" },
  {
    role: "assistant",
    content: amounts.flatMap((amount) => [
      callOf("Pay", amount),
      { type: "tool-approval-request", approvalId: `approval ${amount}`, toolCallId: `Pay ${amount}` }
    ])
  },
  {
    role: "tool",
    content: amounts.map((amount) => ({
      type: "tool-approval-response",
      approvalId: `approval ${amount}`,
      approved: true
    }))
  }
]

const down = new AiError.InternalProviderError({ description: "down" })

const text = [
  { type: "text", text: "Done" },
  { type: "text-delta", id: "1", delta: "Done" }
] as const

/** A model that fails some times before it answers. */
const model = (failures: number, answer: readonly [object, object] = text) => {
  let asked = 0
  const next = Effect.suspend(() =>
    asked++ < failures
      ? Effect.fail(AiError.make({ module: "test", method: "generateText", reason: down }))
      : Effect.succeed(answer as readonly [never, never])
  )
  return {
    asked: () => asked,
    made: LanguageModel.make({
      generateText: () => Effect.map(next, ([whole]) => [whole]),
      streamText: () => Stream.unwrap(Effect.map(next, ([, streamed]) => Stream.make(streamed)))
    })
  }
}

/** What a model has said, and what its tools have. */
interface Answer {
  readonly text: string
  readonly results: ReadonlyArray<unknown>
}

type Ask = (made: LanguageModel.LanguageModel) => Effect.Effect<Answer, unknown, Handlers>

const whole =
  (prompt: unknown): Ask =>
  (made) =>
    Effect.map(made.generateText({ prompt: prompt as never, toolkit }), ({ text, toolResults }) => ({
      text,
      results: toolResults.map(({ result }) => result)
    }))

const streamed =
  (prompt: unknown): Ask =>
  (made) =>
    Effect.map(Stream.runCollect(made.streamText({ prompt: prompt as never, toolkit })), (parts) => ({
      text: parts.flatMap((part) => (part.type === "text-delta" ? [part.delta] : [])).join(""),
      results: parts.flatMap((part) => (part.type === "tool-result" ? [part.result] : []))
    }))

const config = { retry: { maxAttempts: 3, baseDelay: "1 millis", jitter: "none" }, timeout: "1 second" } as const

/** Asks the models while the tools do what the handler says, and tells how often they ran. */
const asking = Effect.fnUntraced(
  function* (
    handler: (amount: number) => Effect.Effect<string, AiError.AiErrorReason>,
    models: ReadonlyArray<ReturnType<typeof model>>,
    ask: Ask
  ) {
    const [first, ...others] = yield* Effect.forEach(models, ({ made }, index) =>
      Effect.map(made, (languageModel) => ({ provider: `p${index}`, model: "m", languageModel }))
    )
    const made = yield* ResilientLanguageModel.make([first!, ...others])
    const ran: Array<number> = []
    const run = ({ amount }: { readonly amount: number }) =>
      Effect.suspend(() => {
        ran.push(amount)
        return handler(amount)
      })
    const handlers = toolkit.toLayer({ Pay: run, Look: run })
    const fiber = yield* Effect.forkChild(Effect.exit(ask(made)).pipe(Effect.provide(handlers)))
    // In steps: a tool has a fiber of its own, which needs its turns.
    yield* Effect.repeat(TestClock.adjust("10 millis"), { times: 500 })
    const circuit = yield* Policy.instanceOf(CircuitBreaker.Kind, "p0")
    return { exit: yield* Fiber.join(fiber), ran, circuit: (yield* Policy.snapshot(circuit!)).failures }
  },
  Effect.provide(Resilience.layer(config))
)

const paid = () => Effect.succeed("paid")
const done = Exit.succeed({ text: "Done", results: ["paid"] })

const errorOf = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isFailure(exit) ? Cause.squash(exit.cause) : assert.fail("succeeded")

describe("a tool that somebody has approved", () => {
  it.effect("runs once, however often the model has to be asked", () =>
    Effect.gen(function* () {
      const flaky = model(2)
      const { exit, ran } = yield* asking(paid, [flaky], whole(approved(10)))
      assert.strictEqual(flaky.asked(), 3)
      assert.deepStrictEqual(exit, done)
      assert.deepStrictEqual(ran, [10])
    })
  )

  it.effect("runs once, also when its toolkit is given with the handlers", () =>
    Effect.gen(function* () {
      const ask: Ask = (made) =>
        Effect.flatMap(toolkit, (toolkit) =>
          Effect.map(made.generateText({ prompt: approved(10) as never, toolkit }), ({ text, toolResults }) => ({
            text,
            results: toolResults.map(({ result }) => result)
          }))
        )
      const { exit, ran } = yield* asking(paid, [model(2)], ask)
      assert.deepStrictEqual(exit, done)
      assert.deepStrictEqual(ran, [10])
    })
  )

  it.effect("runs once, also when another model has to answer", () =>
    Effect.gen(function* () {
      const { exit, ran } = yield* asking(paid, [model(100), model(0)], whole(approved(10)))
      assert.deepStrictEqual(exit, done)
      assert.deepStrictEqual(ran, [10])
    })
  )

  it.effect("fails once, and every attempt hears of it; another one that it has cut off does not run again", () =>
    Effect.gen(function* () {
      const handler = (amount: number) => (amount === 10 ? Effect.fail(down) : Effect.never)
      const failed = yield* asking(handler, [model(0)], whole(approved(10)))
      assert.propertyVal((errorOf(failed.exit) as AiError.AiError).reason, "_tag", "InternalProviderError")
      assert.deepStrictEqual(failed.ran, [10])
      const cutOff = yield* asking(handler, [model(0)], whole(approved(20, 10)))
      assert.propertyVal((errorOf(cutOff.exit) as AiError.AiError).reason, "_tag", "InvalidToolResultError")
      assert.deepStrictEqual(cutOff.ran, [20, 10])
    })
  )

  it.effect("runs again with the same effect", () =>
    Effect.gen(function* () {
      const twice: Ask = (made) => Effect.repeat(whole(approved(10))(made), { times: 1 })
      assert.deepStrictEqual((yield* asking(paid, [model(0)], twice)).ran, [10, 10])
    })
  )
})

describe("a tool that takes too long", () => {
  const look = [callOf("Look", 1), callOf("Look", 1)] as const
  for (const [how, ask] of [
    ["whole", whole],
    ["streamed", streamed]
  ] as const) {
    for (const [what, prompt] of [
      ["that somebody has approved", approved(1)],
      ["that the model asks for", "Look"]
    ] as const) {
      it.effect(`${what} ends the call, which is neither made again nor held against the provider, ${how}`, () =>
        Effect.gen(function* () {
          const other = model(0, look)
          const { circuit, exit, ran } = yield* asking(() => Effect.never, [model(0, look), other], ask(prompt))
          assert.instanceOf(ResilientLanguageModel.rejectionOf(errorOf(exit)), Timeout.TimeoutExceededError)
          assert.deepStrictEqual(ran, [1])
          assert.deepStrictEqual([other.asked(), circuit], [0, 0])
        })
      )
    }
  }

  it.effect("is another matter than a model that does in a later attempt", () =>
    Effect.gen(function* () {
      let asked = 0
      const looks = [callOf("Look", 1), callOf("Look", 2)] as never
      const generateText = () => (asked++ === 0 ? Effect.succeed(looks) : Effect.never)
      const made = LanguageModel.make({ generateText, streamText: () => Stream.never })
      const handler = (amount: number) => (amount === 1 ? Effect.never : Effect.fail(down))
      const { circuit } = yield* asking(handler, [{ ...model(0), made }], whole("Look"))
      assert.deepStrictEqual([asked, circuit], [3, 3])
    })
  )

  it.effect("is another matter than a model that does", () =>
    Effect.gen(function* () {
      const slow = {
        ...model(0),
        made: LanguageModel.make({ generateText: () => Effect.never, streamText: () => Stream.never })
      }
      const { circuit, exit } = yield* asking(paid, [slow, model(0)], whole(approved(10)))
      assert.deepStrictEqual(exit, done)
      assert.strictEqual(circuit, 3)
    })
  )
})

describe("a tool that has a bug", () => {
  const look = [callOf("Look", 1), callOf("Look", 1)] as const
  it.effect.each([
    ["whole", whole("Look")],
    ["streamed", streamed("Look")]
  ] as const)("is not held against the provider, %s", ([, ask]) =>
    Effect.gen(function* () {
      const bug = new Error("a bug")
      const { circuit, exit } = yield* asking(() => Effect.die(bug), [model(0, look)], ask)
      assert.strictEqual(errorOf(exit), bug)
      assert.strictEqual(circuit, 0)
    })
  )
})
