import { Effect } from "effect"
export interface Given {
  readonly text: string
  readonly answeredBy: "provider" | "fallback"
}
export const protect = <E, R>(question: string, ask: Effect.Effect<string, E, R>): Effect.Effect<Given, never, R> =>
  ask.pipe(
    Effect.map((text): Given => ({ text, answeredBy: "provider" })),
    Effect.orElseSucceed((): Given => ({ text: question, answeredBy: "fallback" }))
  )
