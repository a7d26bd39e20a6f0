/**
 * Interrupts a call at every operation of the runtime, one run for each.
 */
import { inspect, isDeepStrictEqual } from "node:util"
import { Cause, Context, Effect, type Exit, Fiber, Scheduler } from "effect"
import { endOf } from "./tracing.ts"
import { type AnyFiber, World } from "./World.ts"

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

/** A public operation in a certain situation: one row of the table that is swept. */
export interface Operation {
  readonly name: string
  /** The members that it is about, such as "bulkhead.execute". */
  readonly covers: ReadonlyArray<string>
  /** Swept with yields after a few numbers of operations only, for what differs little from another row. */
  readonly isVariant?: boolean
  /** A new situation, in which nothing has been interrupted yet. */
  readonly prepare: (world: World) => Prepared
}

/** What happens in a situation. */
export interface Prepared {
  readonly call: Effect.Effect<unknown, unknown>
  /** Ends what the preparation has started, and the call does not wait for. */
  readonly end?: Effect.Effect<unknown>
  /** Throws unless what must hold holds at the moment at which the call has ended. */
  readonly whenEnded?: () => void
  /** Throws unless what must hold holds, once everything has ended. */
  readonly afterwards?: (exit: Exit.Exit<unknown, unknown>) => void
}

/**
 * How an interruption comes at an operation: to a fiber that is about to begin it, from within it, or to a fiber that has
 * yielded before it. What nobody can interrupt has to go on in spite of it.
 */
export type Manner = "before" | "during" | "suspended" | "uninterruptible"

const mainManners: ReadonlyArray<Manner> = ["before", "suspended"]
const manners: ReadonlyArray<Manner> = [...mainManners, "during", "uninterruptible"]

/** How much was tried. */
export interface Trial {
  /** The operations of the call, when it is not interrupted and never yields. */
  readonly operations: number
  readonly runs: number
  /** Runs that ended because of the interruption. */
  readonly interrupted: number
}

interface Run {
  /** Whether the call ended before it could be interrupted. */
  readonly isLast: boolean
  readonly isInterrupted: boolean
  readonly operations: number
  readonly hasYielded: boolean
  readonly exit: Exit.Exit<unknown, unknown>
}

/**
 * Interrupts an operation at each of its steps, with yields after 3 and more steps up to 64, and finally without. As soon as
 * a fiber never gets so far that it has to yield, higher numbers change nothing.
 */
export const sweepOperation = (operation: Operation): Trial => {
  let runs = 0
  let interrupted = 0
  let operations = 0
  const sweepWith = (most: number): boolean => {
    let hasYielded = false
    const undisturbed = runOnce(operation, "before", Infinity, most)
    const takesAll = most === Infinity || (operation.isVariant !== true && FEW.has(most))
    for (const manner of takesAll ? manners : mainManners) {
      for (let at = 1; ; at++) {
        if (at > MOST_RUNS) throw new Error(`${operation.name}: not swept after ${MOST_RUNS} runs`)
        const run = runOnce(operation, manner, at, most)
        runs++
        hasYielded ||= run.hasYielded
        if (run.isInterrupted) interrupted++
        if (run.isLast) break
        if (manner === "uninterruptible" && at > 1) {
          same(`${operation.name}, uninterruptible at ${at}`, endOf(run.exit), endOf(undisturbed.exit))
        }
      }
    }
    operations = undisturbed.operations
    return hasYielded
  }
  if (operation.isVariant === true) for (const most of FEW) sweepWith(most)
  else {
    let most = LEAST
    while (most <= MOST && sweepWith(most)) most++
    sweepWith(Infinity)
  }
  return { operations, runs, interrupted }
}

const LEAST = 3
const MOST = 64
/** Enough for the rarer manners, and for variants. */
const FEW: ReadonlySet<number> = new Set([3, 5, 16, Infinity])

const runOnce = (operation: Operation, manner: Manner, at: number, most: number): Run => {
  const world = new World()
  try {
    return world.live(() => interruptAt(world, operation.prepare(world), manner, at, most))
  } catch (error) {
    const where = `interrupted ${manner} operation ${at}, yields after ${most}`
    throw new Error(`${operation.name}, ${where}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

const interruptAt = (
  world: World,
  { afterwards, call, end, whenEnded }: Prepared,
  manner: Manner,
  at: number,
  most: number
): Run => {
  let operations = 0
  let hasYielded = false
  let main: AnyFiber | undefined
  let inner: Exit.Exit<unknown, unknown> | undefined
  world.onOperation = (fiber) => {
    operations++
    main ??= fiber
    if (operations === at) {
      if (manner === "suspended") {
        const interrupted = main
        world.schedule(() => interrupted.interruptUnsafe())
        return true
      }
      main.interruptUnsafe()
      if (manner === "before" && fiber === main) return true
    }
    const mustYield = fiber.currentOpCount >= most
    hasYielded ||= mustYield
    return mustYield
  }
  const isShielded = manner === "uninterruptible"
  const keepExit = Effect.map(Effect.exit(call), (exit) => {
    inner = exit
  })
  const outer = world.end(world.fork(isShielded ? Effect.uninterruptible(keepExit) : call))
  world.onOperation = () => false
  whenEnded?.()
  world.settle()
  if (end !== undefined) world.run(end)
  world.settle()
  same("fibers that run on", world.running, 0)
  same("alarms that are set", world.waiting, 0)
  const exit = isShielded ? (inner ?? outer) : outer
  afterwards?.(exit)
  world.settle()
  const isLast = operations < at
  const isInterrupted = exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
  return { isLast, isInterrupted: isInterrupted && !isLast, operations, hasYielded, exit }
}

/** Throws unless a value is one of some. It is here because `expect` takes longer than a whole run. */
export const same = <A>(what: string, found: A, ...expected: ReadonlyArray<A>): void => {
  if (expected.some((one) => Object.is(one, found) || isDeepStrictEqual(one, found))) return
  throw new Error(`${what}: expected ${expected.map((one) => inspect(one)).join(" or ")}, found ${inspect(found)}`)
}
