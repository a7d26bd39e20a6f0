/**
 * Guards of effects.
 */
import { Effect } from "effect"
import type { Ending, Guard, Keyed, Pattern } from "./guards.ts"
import { type Enclosing, inFiber, type Loop, type Loops } from "./loops.ts"
import { type Burst, summarize } from "./measures/burst.ts"
import { millisOf } from "./measures/clock.ts"
import { effects, type Operation } from "./operations.ts"

export type Execute<R = never> = (self: Effect.Effect<number, string>) => Effect.Effect<unknown, unknown, R>

type Call<R> = () => Effect.Effect<unknown, unknown, R>

const nothing: Enclosing<never> = (loop) => loop

const withoutGuard: Execute = (self) => self

const callOf = <R>(execute: Execute<R>, ending: Ending): Call<R> => {
  if (ending === "rejected") return () => Effect.ignore(execute(effects.immediate))
  if (ending === "failing") return () => Effect.ignore(execute(effects.failing))
  const operation = effects[ending]
  return () => execute(operation)
}

const bareOf = (ending: Ending): Call<never> => callOf(withoutGuard, ending === "rejected" ? "failing" : ending)

/** Loops that are the same for all guards, so that a round runs them once. */
const bares = new Map<Ending, Loop>()

const bareLoop = (ending: Ending): Loop => {
  const known = bares.get(ending)
  if (known !== undefined) return known
  const loop = inFiber(bareOf(ending), nothing)
  bares.set(ending, loop)
  return loop
}

/** A guard, and what its loops run in. */
export const guarding = <R>(execute: Execute<R>, enclosing: Enclosing<R>): Guard => ({
  around: (ending) => ({
    bare: inFiber<R>(bareOf(ending), enclosing),
    guarded: inFiber(callOf(execute, ending), enclosing)
  }),
  burst: (operation) => ({ bare: atOnce(withoutGuard, operation), guarded: atOnce(execute as Execute, operation) })
})

/** A pattern with an instance. */
export const pattern = <Instance>(
  instance: () => Instance,
  executeOf: (instance: Instance) => Execute,
  prepare: (execute: Execute) => void = () => {}
): Pattern => ({
  instance,
  guard: () => {
    const execute = executeOf(instance())
    prepare(execute)
    return {
      ...guarding(execute, nothing),
      around: (ending): Loops => ({ bare: bareLoop(ending), guarded: inFiber(callOf(execute, ending), nothing) })
    }
  }
})

/** A pattern that finds the instance of a key. */
export const keyed = (executeOf: (key: string) => Execute): Keyed => ({
  around: (next, ending) => {
    const seen = new Map<string, Execute>()
    const find = (key: string): Execute => {
      const known = seen.get(key)
      if (known === undefined) seen.set(key, withoutGuard)
      return withoutGuard
    }
    return {
      bare: inFiber(walk(find, next, ending), nothing),
      guarded: inFiber(walk(executeOf, next, ending), nothing)
    }
  }
})

const walk = (executeOf: (key: string) => Execute, next: () => string, ending: Ending): Call<never> => {
  const operation = ending === "failing" ? effects.failing : effects.immediate
  if (ending === "failing") return () => Effect.ignore(executeOf(next())(operation))
  return () => executeOf(next())(operation)
}

/** Starts many calls in fibers of their own. */
const atOnce =
  (execute: Execute, operation: Operation): Burst["bare"] =>
  async (size) => {
    const latencies = new Float64Array(size)
    const call = (_: unknown, index: number) => {
      const began = performance.now()
      return Effect.map(execute(effects[operation]), () => {
        latencies[index] = performance.now() - began
      })
    }
    const all = Effect.forEach(latencies, call, { concurrency: "unbounded", discard: true }) as Effect.Effect<void>
    return summarize(await millisOf(() => Effect.runPromise(all)), latencies)
  }
