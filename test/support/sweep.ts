/**
 * Interrupts a call at every operation of the runtime, one run for each.
 */
import { Context, Effect, type Exit, Fiber, Scheduler } from "effect"

/** One run: fresh state, the call on it, and what must hold once the call has ended in whatever way. */
export interface Scenario {
  readonly call: Effect.Effect<unknown, unknown>
  readonly afterwards: (exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>
}

export interface Swept {
  /** Runs, the last of which was not interrupted any more. */
  readonly runs: number
  readonly interrupted: number
}

const MOST_RUNS = 2_000

/**
 * Interrupts the call at its first operation, its second, and so on, until a run ends before it can be interrupted. The
 * operations of its child fibers count. `maxOperationsBeforeYield` makes fibers yield that often besides.
 */
export const sweep = (
  make: () => Scenario,
  { maxOperationsBeforeYield = 2_048 }: { readonly maxOperationsBeforeYield?: number } = {}
): Effect.Effect<Swept> =>
  Effect.gen(function* () {
    let interrupted = 0
    for (let at = 1; at <= MOST_RUNS; at++) {
      const { afterwards, call } = make()
      let operations = 0
      let main: Fiber.Fiber<unknown, unknown> | undefined
      const mixed = new Scheduler.MixedScheduler()
      const scheduler: Scheduler.Scheduler = {
        executionMode: "async",
        makeDispatcher: () => mixed.makeDispatcher(),
        shouldYield: (fiber) => {
          operations++
          main ??= fiber
          if (operations !== at) return fiber.currentOpCount >= maxOperationsBeforeYield
          main.interruptUnsafe()
          return fiber === main
        }
      }
      const context = Context.make(Scheduler.Scheduler, scheduler)
      const exit = yield* Fiber.await(Effect.runForkWith(context)(call))
      yield* afterwards(exit)
      if (operations < at) return { runs: at, interrupted }
      if (exit._tag === "Failure") interrupted++
    }
    return yield* Effect.die(new Error(`not swept after ${MOST_RUNS} runs`))
  })
