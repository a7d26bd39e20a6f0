/**
 * Another answer when there is none: from somewhere else, from before, or a plain one.
 */
import { Console, Data, Effect, Ref } from "effect"
import { Fallback } from "effect-resilience"

class Down extends Data.TaggedError("Down") {}
class Forbidden extends Data.TaggedError("Forbidden") {}

const program = Effect.gen(function* () {
  const isUp = yield* Ref.make(true)
  const profile = (id: string): Effect.Effect<string, Down | Forbidden> =>
    Effect.flatMap(Ref.get(isUp), (up) => (up ? Effect.succeed(`profile of ${id}`) : Effect.fail(new Down())))

  // Remembers what succeeded, and answers with it for ten minutes.
  const cache = yield* Fallback.makeCache<string>({ service: "profiles", timeToLive: "10 minutes" })
  const remembered = (id: string) => profile(id).pipe(Fallback.cached(cache, id))
  yield* Console.log(yield* Effect.orDie(remembered("ada")))
  yield* Ref.set(isUp, false)
  yield* Console.log(`from before: ${yield* Effect.orDie(remembered("ada"))}`)

  // Answers one error; the other remains in the type.
  const answer: Effect.Effect<string, Forbidden> = profile("bob").pipe(
    Fallback.orElse(() => Effect.succeed("a guest"), { when: "Down" })
  )
  yield* Console.log(yield* Effect.orDie(answer))

  // One after the other, until one succeeds.
  const ladder = profile("bob").pipe(Fallback.chain([profile("bob's backup"), Effect.succeed("nobody")]))
  yield* Console.log(yield* ladder)

  // Who is asked and does not answer: decide for each check what that means.
  const check: Effect.Effect<boolean, Down> = Effect.fail(new Down())
  yield* Console.log(`may read: ${yield* check.pipe(Fallback.failOpen)}`)
  yield* Console.log(`may delete: ${yield* check.pipe(Fallback.failClosed)}`)
})

await Effect.runPromise(program)
