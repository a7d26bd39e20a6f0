/**
 * What the rows of the table are made of: work that is guarded, and what must hold of a policy when all of it has ended.
 */
import { Cause, Effect, type Exit, Fiber, Option, Schema } from "effect"
import { type Bulkhead, type CircuitBreaker, type Policy, type Retry } from "../../../src/index.ts"
import { same } from "../../support/sweep.ts"
import type { AnyFiber, World } from "../../support/World.ts"

export const yields = (times: number): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: times }), () => Effect.yieldNow, { discard: true })

/** What a call does once it is in: how it ends, or for how long it hangs before it succeeds. */
export type Step = "up" | "down" | "bug" | "never" | "interrupt" | number

const ends = (step: Step): Effect.Effect<string, string> => {
  if (typeof step === "number") return Effect.as(Effect.sleep(step), "late")
  return {
    up: Effect.succeed("up"),
    down: Effect.fail("down"),
    bug: Effect.die("bug"),
    never: Effect.never,
    interrupt: Effect.interrupt
  }[step]
}

/** Work that takes a few turns, and a turn more to clean up; the last step of the script repeats. */
export class Work {
  begun = 0
  active = 0
  ended = { up: 0, down: 0, interrupted: 0 }
  readonly call: Effect.Effect<string, string>

  constructor(...script: ReadonlyArray<Step>) {
    this.call = Effect.acquireUseRelease(
      Effect.sync(() => {
        this.active++
        return script[Math.min(this.begun++, script.length - 1)] ?? "up"
      }),
      (step) => Effect.andThen(yields(2), ends(step)),
      () =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => this.active--)
        )
    )
  }

  /** Nothing of it goes on. */
  rests(): void {
    same("calls of the service that go on", this.active, 0)
  }
}

/** Makes instances of valid options; to check the options anew for each run would take longer than the run. */
export const maker = <I extends Policy.Instance, Options, Input>(
  kind: Policy.Kind<I, Options> & { readonly options: Schema.Codec<Options, Input> },
  options: Input
): (() => I) => {
  const valid = Schema.decodeSync(kind.options)(options)
  return () => kind.make("default", valid)
}

/** A registry that has these instances, each for whatever service. */
export const registryOf = (instances: ReadonlyArray<Policy.Instance>): Policy.ResilienceRegistry["Service"] => ({
  get: <I extends Policy.Instance, Options>({ id }: Policy.Kind<I, Options>) =>
    instances.find(({ kind }) => kind === id) as I | undefined,
  instances: () => instances,
  observe: () => {},
  subscribe: () => () => {},
  recent: () => []
})

/** What goes on beside a call, which does not wait for it. */
export class Others {
  private readonly world: World
  private readonly fibers: Array<AnyFiber> = []
  /** Ends what still goes on. */
  readonly end = Effect.suspend(() => Fiber.interruptAll(this.fibers))

  constructor(world: World) {
    this.world = world
  }

  readonly start = (effect: Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
    Effect.sync(() => {
      this.fibers.push(this.world.fork(effect))
    })
}

/** Every call of a bulkhead has given its permit back, and exactly as many get in as the limit says. */
export const hasFullCapacity = (world: World, bulkhead: Bulkhead.Bulkhead, key?: string): void => {
  const occupancy = () => {
    const { active, queued } = bulkhead.snapshot(world.now, key)
    return { active, queued }
  }
  same("calls in the bulkhead", occupancy(), { active: 0, queued: 0 })
  const { limit } = bulkhead.snapshot(world.now)
  let inside = 0
  const call = Effect.suspend(() => {
    inside++
    return Effect.never
  }).pipe(bulkhead.executeWith({ key }))
  const fibers = Array.from({ length: limit + 1 }, () => world.fork(call))
  same("calls that get into the bulkhead", inside, limit)
  for (const fiber of fibers.toReversed()) fiber.interruptUnsafe()
  world.settle()
  same("calls in the bulkhead, after all have left it", occupancy(), { active: 0, queued: 0 })
}

/** The calls that a bulkhead has counted, whatever became of them. */
export const countedBy = (bulkhead: Bulkhead.Bulkhead): number => {
  const { failures, interrupted, rejected, successes } = bulkhead.snapshot(0)
  return successes + failures + interrupted + rejected
}

/** The circuit opens, and its time passes: the next call is a probe. */
export const openThenWait = (world: World, breaker: CircuitBreaker.CircuitBreaker, key?: string): void => {
  for (let call = 0; call < FAILURES; call++) world.run(Effect.fail("down").pipe(breaker.executeWith({ key })))
  same("state after failures", breaker.snapshot(world.now, key).state, "Open")
  world.wait(OPEN_MILLIS)
}

/** The most failures in a row after which a circuit opens. */
export const FAILURES = 3

/** No probe holds a slot, and as many as a round has close the circuit. */
export const decides = (world: World, breaker: CircuitBreaker.CircuitBreaker, key?: string): void => {
  const snapshot = () => breaker.snapshot(world.now, key)
  same("probes under way", snapshot().probing, 0)
  world.wait(OPEN_MILLIS)
  for (let call = 0; call < PROBES && snapshot().state !== "Closed"; call++) {
    world.get(Effect.succeed("up").pipe(breaker.executeWith({ key })))
  }
  same("state after good calls", snapshot().state, "Closed")
}

/** How long a circuit stays open. */
export const OPEN_MILLIS = 1_000
const PROBES = 5

/** All retries that were set aside have been spent or given back. */
export const hasFullBudget = (
  world: World,
  retry: Retry.Retry<Retry.OnExhausted>,
  retries: number,
  key?: string
): void => same("retries in the budget", retry.snapshot(world.now + LATER, key).budget, Option.some(retries))

const LATER = 1e9

/** A budget of so many retries, whatever the number of calls. */
export const budgetOf = (retries: number) => ({ ratio: 0, minimumPerSecond: retries, window: "1 second" }) as const

/**
 * Every call is counted at most once, and one that began exactly once. What ends well is counted as such, and what fails is
 * not; what is interrupted may have ended well just before.
 */
export const countsOnce = (
  totals: { readonly successes: number; readonly others: number },
  begun: number,
  exit: Exit.Exit<unknown, unknown>,
  times = 1
): void => {
  const { others, successes } = totals
  if (begun > 0) same("calls that are counted", successes + others, times)
  else same("calls that are counted", successes + others <= times, true)
  if (exit._tag === "Success") same("successes", successes, times)
  else if (!Cause.hasInterrupts(exit.cause)) same("successes", successes, 0)
}
