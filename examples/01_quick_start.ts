/**
 * Protect a call: one line at the call site, one layer at start-up.
 *
 * The provider below fails twice before it answers. The caller sees the answer.
 */
import { Console, Data, Effect, Ref } from "effect"
import { Resilience } from "effect-resilience"

class Unavailable extends Data.TaggedError("Unavailable") {}

const program = Effect.gen(function* () {
  const calls = yield* Ref.make(0)

  const generate = (prompt: string) =>
    Ref.updateAndGet(calls, (n) => n + 1).pipe(
      Effect.tap((n) => Console.log(`call ${n}`)),
      Effect.filterOrFail(
        (n) => n > 2,
        () => new Unavailable()
      ),
      Effect.as(`an answer to "${prompt}"`)
    )

  const answer = yield* generate("why is the sky blue?").pipe(Resilience.protect("llm"))
  yield* Console.log(answer)
  yield* Console.log(yield* Resilience.explain("llm"))
})

const ResilienceLive = Resilience.layer({
  services: { llm: { retry: { baseDelay: "50 millis" }, timeout: "20 seconds" } }
})

await Effect.runPromise(program.pipe(Effect.provide(ResilienceLive)))
