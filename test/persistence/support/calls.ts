/**
 * Calls in Effect's way, and our breaker as Effect's.
 */
import { Effect } from "effect"
import type * as EffectCircuitBreaker from "effect/persistence/CircuitBreaker"
import { CircuitBreaker } from "../../../src/index.ts"
import * as Adapter from "../../../src/persistence/index.ts"

export const up = Effect.succeed("up")
export const down = Effect.fail("down")
export const key = "api"

/** Two failures in a row open for ten seconds. */
export const options = { service: "api", consecutiveFailures: 2, openDuration: "10 seconds" } as const
export const ours = Effect.map(CircuitBreaker.make(options), Adapter.fromCircuitBreaker)

/** The reason of a rejection. */
export const rejection = (breaker: EffectCircuitBreaker.CircuitBreaker, key = "api") =>
  Effect.map(Effect.flip(Effect.die("not turned away").pipe(breaker.execute({ key }))), ({ reason }) => reason)

export const fails = (breaker: EffectCircuitBreaker.CircuitBreaker, times: number, key = "api") =>
  Effect.replicateEffect(Effect.ignore(down.pipe(breaker.execute({ key }))), times, { discard: true })
