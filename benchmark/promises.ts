/**
 * Guards of promises.
 */
import type { Ending, Guard, Keyed, Pattern } from "./guards.ts"
import { awaiting, type Loop, type Loops } from "./loops.ts"
import { type Burst, summarize } from "./measures/burst.ts"
import { millisOf } from "./measures/clock.ts"
import { type Operation, promises } from "./operations.ts"

export type Execute = (call: () => Promise<number>) => Promise<unknown>

/** What an instance needs before a batch, and what ends it afterwards. */
export type Life = Pick<Loops, "open" | "close">

type Call = () => Promise<unknown>

const withoutGuard: Execute = (call) => call()

const zero = (): number => 0

const callOf = (execute: Execute, ending: Ending): Call => {
  if (ending === "rejected") return () => execute(promises.immediate).catch(zero)
  if (ending === "failing") return () => execute(promises.failing).catch(zero)
  const operation = promises[ending]
  return () => execute(operation)
}

const bareCall = (ending: Ending): Call =>
  ending === "rejected" || ending === "failing" ? () => promises.failing().catch(zero) : promises[ending]

const bares = new Map<Call, Loop>()

const bareLoop = (ending: Ending): Loop => {
  const operation = ending === "rejected" ? promises.failing : promises[ending]
  const known = bares.get(operation)
  if (known !== undefined) return known
  const loop = awaiting(bareCall(ending))
  bares.set(operation, loop)
  return loop
}

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

const guarding = (execute: Execute, life: Life): Guard => ({
  around: (ending) => ({ bare: bareLoop(ending), guarded: awaiting(callOf(execute, ending)), ...life }),
  burst: (operation) => ({ bare: atOnce(withoutGuard, operation), guarded: atOnce(execute, operation), ...life })
})

/** A pattern without keys, with an instance for each of them. */
export const keyed = <Instance>(
  instance: () => Instance,
  executeOf: (instance: Instance, call: () => Promise<number>) => Promise<unknown>
): Keyed => {
  const instances = new Map<string, Instance>()
  const instanceOf = (key: string): Instance => {
    const known = instances.get(key)
    if (known !== undefined) return known
    const made = instance()
    instances.set(key, made)
    return made
  }
  const around: Keyed["around"] = (next, ending) => {
    const operation = ending === "failing" ? promises.failing : promises.immediate
    const guarded = () => executeOf(instanceOf(next()), operation)
    const bare = () => {
      instances.get(next())
      return operation()
    }
    const isFailing = ending === "failing"
    return {
      bare: awaiting(isFailing ? () => bare().catch(zero) : bare),
      guarded: awaiting(isFailing ? () => guarded().catch(zero) : guarded)
    }
  }
  return { around }
}

/** Starts many calls at once. */
const atOnce =
  (execute: Execute, operation: Operation): Burst["bare"] =>
  async (size) => {
    const latencies = new Float64Array(size)
    const call = async (_: unknown, index: number) => {
      const began = performance.now()
      await execute(promises[operation])
      latencies[index] = performance.now() - began
    }
    return summarize(await millisOf(() => Promise.all(Array.from(latencies, call))), latencies)
  }
