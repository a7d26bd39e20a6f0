import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { Deadline, Resilience, Timeout } from "../../../src/index.ts"

const limits = [
  ["timeout", Timeout.withTimeout],
  ["deadline", Deadline.withDeadline]
] as const

describe.each(limits)("a text for a %s", (kind, limit) => {
  const run = (text: string) =>
    Effect.exit(Effect.succeed("done").pipe(limit(text), Effect.provide(Resilience.layer())))

  it.effect.each(
    "1s|10ms|10 MS|5 secs|5 secs.|1h30m|1h 30m| 1 sec|+3s|-3s|.5s|1,5 min|500|5µs|2d|PT1S|P1D|PT1.5S||  ".split("|")
  )("that is no duration, but tries to be one, is a mistake: %j", (text) =>
    Effect.gen(function* () {
      const exit = yield* run(text)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({
        message: `${kind}: expected a duration such as "1 second", or the name of a service, got ${JSON.stringify(text)}`
      })
    })
  )

  it.effect.each(["llm", "k8s", "3scale", "24h-news", "s3", "P", "PT", "Party", "1password", "7zip", "5 stars", "1x1"])(
    "may be the name of a service: %j",
    (text) => Effect.map(run(text), (exit) => expect(exit).toEqual(Exit.succeed("done")))
  )

  it.effect.each(["1", "1 ", "1s", "1."])("is soon read, however long: %j", (part) =>
    Effect.map(run(`${part.repeat(20_000)}x`), (exit) => expect(exit).toEqual(Exit.succeed("done")))
  )
})
