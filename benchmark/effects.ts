/**
 * Guards of effects.
 */
import { Effect } from "effect"
import type { Guard, Keyed, Pattern } from "./guards.ts"
import { type Enclosing, inFiber, type Loop } from "./loops.ts"
import { type Burst, summarize } from "./measures/burst.ts"
import { millisOf } from "./measures/clock.ts"
import { effects, type Ending, roles } from "./operations.ts"

export type Execute<R = never> = (self: Effect.Effect<number, string>) => Effect.Effect<unknown, unknown, R>

type Call<R = never> = () => Effect.Effect<unknown, unknown, R>

const nothing: Enclosing<never> = (loop) => loop

const withoutGuard: Execute = (self) => self

const callOf = <R>(execute: Execute<R>, ending: Ending): Call<R> => {
  const { guarded, isFailure } = roles[ending]
  const operation = effects[guarded]
  return isFailure ? () => Effect.ignore(execute(operation)) : () => execute(operation)
}

const bareCall = (ending: Ending): Call => {
  const { bare, isFailure } = roles[ending]
  const operation = effects[bare]
  return isFailure ? () => Effect.ignore(withoutGuard(operation)) : () => withoutGuard(operation)
}

/** Loops that are the same for all guards, so that a round runs them once. */
const bares = new Map<Ending, Loop>()

const bareLoop = (ending: Ending): Loop => {
  const loop = bares.get(ending) ?? inFiber(bareCall(ending), nothing)
  bares.set(ending, loop)
  return loop
}

/** A guard, and what its calls run in. */
export const guarding = <R>(execute: Execute<R>, enclosing: Enclosing<R>): Guard => ({
  around: (ending) => ({
    bare: inFiber<R>(bareCall(ending), enclosing),
    guarded: inFiber(callOf(execute, ending), enclosing)
  }),
  burst: (ending) => ({
    bare: atOnce<R>(bareCall(ending), enclosing),
    guarded: atOnce(callOf(execute, ending), enclosing)
  })
})

/** A pattern with an instance. */
export const pattern = <Instance>(instance: () => Instance, executeOf: (instance: Instance) => Execute): Pattern => ({
  instance,
  guard: () => {
    const { around, burst } = guarding(executeOf(instance()), nothing)
    return { burst, around: (ending) => ({ ...around(ending), bare: bareLoop(ending) }) }
  }
})

/** A pattern that finds the instance of a key. */
export const keyed = (executeOf: (key: string) => Execute): Keyed => {
  const seen = new Map<string, Execute>()
  const find = (key: string): Execute => {
    const execute = seen.get(key) ?? withoutGuard
    seen.set(key, execute)
    return execute
  }
  const walk = (executeOf: (key: string) => Execute, next: () => string, ending: Ending): Loop =>
    inFiber(
      callOf((self) => executeOf(next())(self), ending),
      nothing
    )
  return { around: (next, ending) => ({ bare: walk(find, next, ending), guarded: walk(executeOf, next, ending) }) }
}

/** Starts many calls in fibers of their own. */
const atOnce =
  <R>(make: Call<R>, enclosing: Enclosing<R>): Burst["bare"] =>
  async (size) => {
    const latencies = new Float64Array(size)
    const call = (_: unknown, index: number) => {
      const began = performance.now()
      return Effect.map(make(), () => {
        latencies[index] = performance.now() - began
      })
    }
    const all = Effect.forEach(latencies, call, { concurrency: "unbounded", discard: true })
    return summarize(await millisOf(() => Effect.runPromise(enclosing(all))), latencies)
  }
