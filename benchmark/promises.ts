/**
 * Guards of promises.
 */
import type { Guard, Keyed, Pattern } from "./guards.ts"
import { awaiting, type Loop, type Loops } from "./loops.ts"
import { type Burst, summarize } from "./measures/burst.ts"
import { millisOf } from "./measures/clock.ts"
import { type Ending, promises, roles } from "./operations.ts"

export type Execute = (call: () => Promise<number>) => Promise<unknown>

type Call = () => Promise<unknown>

const withoutGuard: Execute = (call) => call()

const zero = (): number => 0

const callOf = (execute: Execute, ending: Ending): Call => {
  const { guarded, isFailure } = roles[ending]
  const operation = promises[guarded]
  return isFailure ? () => execute(operation).catch(zero) : () => execute(operation)
}

const bareCall = (ending: Ending): Call => {
  const { bare, isFailure } = roles[ending]
  const operation = promises[bare]
  return isFailure ? () => operation().catch(zero) : operation
}

/** Loops that are the same for all guards, so that a round runs them once. */
const bares = new Map<Ending, Loop>()

const bareLoop = (ending: Ending): Loop => {
  const loop = bares.get(ending) ?? awaiting(bareCall(ending))
  bares.set(ending, loop)
  return loop
}

/** What an instance needs before a batch, and what ends it afterwards. */
type Life = Pick<Loops, "open" | "close">

const guarding = (execute: Execute, life: Life): Guard => ({
  around: (ending) => ({ bare: bareLoop(ending), guarded: awaiting(callOf(execute, ending)), ...life }),
  burst: (ending) => ({ bare: atOnce(bareCall(ending)), guarded: atOnce(callOf(execute, ending)), ...life })
})

/** A pattern with an instance. */
export const pattern = <Instance>(instance: () => Instance, executeOf: (instance: Instance) => Execute): Pattern => ({
  instance,
  guard: () => guarding(executeOf(instance()), {})
})

/** A pattern whose instance does not outlive a batch, because it has timers that would run in the batches of others. */
export const shortLived = <Instance>(
  instance: () => Instance,
  executeOf: (instance: Instance) => Execute,
  end: (instance: Instance) => void
): Pattern => ({
  instance,
  guard: () => {
    let current: Instance | undefined
    let execute: Execute = withoutGuard
    const open = () => {
      current = instance()
      execute = executeOf(current)
    }
    const close = () => {
      if (current !== undefined) end(current)
      current = undefined
    }
    return guarding((call) => execute(call), { open, close })
  }
})

/** A pattern without keys, with an instance for each of them. */
export const keyed = <Instance>(
  instance: () => Instance,
  executeOf: (instance: Instance, call: () => Promise<number>) => Promise<unknown>
): Keyed => {
  const instances = new Map<string, Instance>()
  const instanceOf = (key: string): Instance => {
    const known = instances.get(key) ?? instance()
    instances.set(key, known)
    return known
  }
  return {
    around: (next, ending) => {
      const bare: Execute = (call) => {
        instances.get(next())
        return call()
      }
      const guarded: Execute = (call) => executeOf(instanceOf(next()), call)
      return { bare: awaiting(callOf(bare, ending)), guarded: awaiting(callOf(guarded, ending)) }
    }
  }
}

/** Starts many calls at once. */
const atOnce =
  (make: Call): Burst["bare"] =>
  async (size) => {
    const latencies = new Float64Array(size)
    const call = async (_: unknown, index: number) => {
      const began = performance.now()
      await make()
      latencies[index] = performance.now() - began
    }
    return summarize(await millisOf(() => Promise.all(Array.from(latencies, call))), latencies)
  }
