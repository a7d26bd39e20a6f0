/**
 * The least that a pattern can cost with Effect's public interface: experiments that look at a call as the pattern must and
 * do nothing else. They are no policies: nothing is counted, nothing opens.
 */
import { type Cause, Clock, Context, Duration, Effect, Effectable, Fiber } from "effect"
import * as Effects from "./effects.ts"
import type { Pattern } from "./guards.ts"
import type { Peer } from "./peers/Peer.ts"
import type { Limits } from "./peers/settings.ts"

type Call = Effect.Effect<number, unknown>
type AnyFiber = Fiber.Fiber<unknown, unknown>

/** A pattern whose calls are one object each: what it does when a fiber comes to a call. */
const pattern = <State>(
  make: () => State,
  run: (state: State, self: Effect.Effect<number, string>, fiber: AnyFiber) => Call
): Pattern => {
  const constructor = function (this: { state: State; self: Call }, state: State, self: Call) {
    this.state = state
    this.self = self
  }
  constructor.prototype = Effectable.Prototype<Call & { state: State; self: Effect.Effect<number, string> }>({
    label: "limit",
    evaluate(fiber) {
      return run(this.state, this.self, fiber)
    }
  })
  const Guarded = constructor as unknown as new (state: State, self: Call) => Call
  return Effects.pattern(make, (state) => (self) => new Guarded(state, self))
}

/** Asks before the call whether it may run, and looks at how it ends. */
const look = {
  onSuccess: (value: number) => Effect.succeed(value),
  onFailure: Effect.failCause
}

const looking = Effects.pattern(
  () => ({ isOpen: false }),
  (state) => (self) => Effect.suspend(() => (state.isOpen ? Effect.fail("open") : Effect.matchCauseEffect(self, look)))
)

/** The clock of a fiber; a context is asked for it once. */
const clocks = { context: Context.empty(), clock: Context.get(Context.empty(), Clock.Clock) }
const clockOf = (fiber: AnyFiber): Clock.Clock => {
  if (fiber.context !== clocks.context) {
    clocks.clock = fiber.getRef(Clock.Clock)
    clocks.context = fiber.context
  }
  return clocks.clock
}

const millisOf = (fiber: AnyFiber): number => Number(clockOf(fiber).monotonicTimeNanosUnsafe()) / 1e6

/** The same, for a window of time. */
const lookingAtTime = Effects.pattern(
  () => ({ isOpen: false, at: 0 }),
  (state) => (self) =>
    Effect.withFiber((fiber) => {
      state.at = clockOf(fiber).currentTimeMillisUnsafe()
      return state.isOpen ? Effect.fail("open") : Effect.matchCauseEffect(self, look)
    })
)

/** An answer that says when it is worth trying again. */
class Open {
  readonly retryAfter: Duration.Duration
  constructor(retryAfter: Duration.Duration) {
    this.retryAfter = retryAfter
  }
}

/** Looks at the time, because the circuit may have been open long enough, and says how much of it is left. */
const rejecting = pattern(
  () => ({ until: Number.MAX_SAFE_INTEGER }),
  (state, self, fiber) => {
    const left = state.until - millisOf(fiber)
    return left > 0 ? Effect.fail(new Open(Duration.millis(Math.ceil(left)))) : self
  }
)

/**
 * Asks the fiber whether it is one that traces its attempts, and looks at how the call ends: it counts the good ends, too, and
 * may go on from a bad one.
 */
const watching = pattern(
  () => {
    const state = { traced: 0, successes: 0, isWorthIt: false }
    const onSuccess = (value: number) => {
      state.successes++
      return Effect.succeed(value)
    }
    return { state, onSuccess }
  },
  ({ onSuccess, state }, self, fiber) => {
    if (fiber.cache.span !== undefined) state.traced++
    return Effect.matchCauseEffect(self, {
      onSuccess,
      onFailure: (cause) => (state.isWorthIt ? self : Effect.failCause(cause))
    })
  }
)

/** A call in a ring, with what is to be known about it: when it began, or how it goes on. */
class Place<A> {
  readonly value: A
  before: Place<A> = this
  after: Place<A> = this
  constructor(value: A) {
    this.value = value
  }
  insertBefore(other: Place<A>): void {
    this.before = other.before
    this.after = other
    other.before.after = this
    other.before = this
  }
  remove(): void {
    this.before.after = this.after
    this.after.before = this.before
    this.before = this
    this.after = this
  }
}

/**
 * A call in a fiber of its own, as whatever can interrupt it needs it, among those that run and since when, so that one timer
 * will do for all; behind one look at how it ends. Who finds no room waits in a line, and leaves it if interrupted.
 */
const whole = ({ running }: Limits): Effects.Execute => {
  const line = new Place(() => {})
  const began = new Place(0)
  let active = 0
  const leave = (call: Place<number>) => {
    active--
    call.remove()
    const first = line.after
    first.remove()
    first.value()
  }
  return (self) => {
    const enter = Effect.withFiber((fiber) => {
      active++
      const call = new Place(millisOf(fiber))
      call.insertBefore(began)
      return Effect.matchCauseEffect(inChild(fiber, self), {
        onSuccess: (value: number) => {
          leave(call)
          return Effect.succeed(value)
        },
        onFailure: (cause: Cause.Cause<string>) => {
          leave(call)
          return Effect.failCause(cause)
        }
      })
    })
    return Effect.suspend(() => {
      if (active < running) return enter
      const turn = Effect.callback<void>((resume) => {
        const waiting = new Place(() => resume(Effect.void))
        waiting.insertBefore(line)
        return Effect.sync(() => waiting.remove())
      })
      return Effect.flatMap(turn, () => enter)
    })
  }
}

const inChild = (fiber: AnyFiber, self: Effect.Effect<number, string>) =>
  Effect.callback<number, string>((resume) => {
    const child = Effect.runForkWith(fiber.context)(self)
    const exit = child.pollUnsafe()
    if (exit !== undefined) return resume(exit)
    child.addObserver(resume)
    return Fiber.interrupt(child)
  })

export const limits: Peer = {
  name: "limit",
  consecutiveBreaker: looking,
  countBreaker: () => looking,
  timeBreaker: lookingAtTime,
  patientBreaker: looking,
  openBreaker: rejecting,
  retry: watching,
  reluctantRetry: watching,
  stack: (limits) => Effects.pattern(() => limits, whole)
}
