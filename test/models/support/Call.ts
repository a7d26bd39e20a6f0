/**
 * Calls whose every attempt does what the run says, and what becomes of them, in words that a model can say as well.
 */
import { Cause, Duration, Effect, type Exit, Option } from "effect"
import { Deadline } from "../../../src/index.ts"
import type { Seeded } from "../../../src/testing/internal/Seeded.ts"

/** An error of the dependency; `hint` is the time for which it wants to be left alone. */
export interface Failure {
  readonly _tag: "Down" | "Busy" | "Limited" | "Wrong"
  readonly hint: number
}

/** What one attempt does, after how long. Interrupted by others, it takes `stubborn` milliseconds to end. */
export interface Behaviour {
  readonly does: "succeed" | "fail" | "die" | "fail and die" | "interrupt" | "hang"
  readonly after: number
  readonly stubborn: number
  readonly failure: Failure
}

/** One call; the last behaviour is that of all further attempts. `remaining` is the time to a deadline of the caller. */
export interface Call {
  readonly _tag: "call"
  readonly id: number
  readonly key: string | undefined
  readonly behaviours: ReadonlyArray<Behaviour>
  readonly remaining: number
}

export const behaviourOf = ({ behaviours }: Call, attempt: number): Behaviour =>
  behaviours[Math.min(attempt, behaviours.length) - 1]!

const STATUS: Record<Failure["_tag"], number> = { Down: 503, Busy: 529, Limited: 429, Wrong: 404 }

const errorOf = ({ _tag, hint }: Failure) => ({
  _tag,
  status: STATUS[_tag],
  ...(hint > 0 ? { retryAfter: Duration.millis(hint) } : {})
})

const endingOf = ({ does, failure }: Behaviour): Effect.Effect<string, unknown> => {
  switch (does) {
    case "succeed":
      return Effect.succeed("up")
    case "fail":
      return Effect.fail(errorOf(failure))
    case "die":
      return Effect.die("bug")
    case "fail and die":
      return Effect.failCause(Cause.combine(Cause.fail(errorOf(failure)), Cause.die("bug")))
    case "interrupt":
      return Effect.interrupt
    case "hang":
      return Effect.never
  }
}

/** How an operation ends that nobody interrupts. */
export const endOfBehaviour = ({ does, failure }: Behaviour): string => {
  switch (does) {
    case "succeed":
      return "up"
    case "fail":
      return failure._tag
    case "die":
      return "defect"
    case "fail and die":
      return `${failure._tag} + defect`
    case "interrupt":
    case "hang":
      return "interrupted"
  }
}

/** The dependency as it behaves. */
export const behave = (behaviour: Behaviour): Effect.Effect<string, unknown> => {
  const { after, stubborn } = behaviour
  const ending = endingOf(behaviour)
  const timely = after > 0 ? Effect.delay(ending, after) : ending
  return stubborn > 0 ? Effect.onInterrupt(timely, () => Effect.sleep(stubborn)) : timely
}

/** Under the deadline of the caller, if there is one. */
export const underDeadline = <A, E>({ remaining }: Call, now: number, self: Effect.Effect<A, E>) =>
  remaining === Infinity
    ? self
    : Effect.provideService(self, Deadline.CurrentDeadline, {
        at: now + remaining,
        service: "caller",
        duration: Duration.millis(remaining)
      })

/** How a call ended: "up", the tags of its errors with what they say, "defect" or "interrupted". */
export const endOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (exit._tag === "Success") return String(exit.value)
  const reasons = exit.cause.reasons.map((reason) => {
    if (reason._tag === "Die") return "defect"
    return reason._tag === "Interrupt" ? "interrupted" : textOf(reason.error)
  })
  return [...new Set(reasons)].toSorted().join(" + ")
}

const said = ["service", "scope", "isStarted", "state", "reason", "limit"]

const textOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return String(error)
  const fields = error as Readonly<Record<string, unknown>>
  if (!("service" in fields)) return String(fields["_tag"])
  const parts = said.filter((name) => name in fields).map((name) => String(fields[name]))
  const { causes, duration, retryAfter } = fields
  if (Duration.isDuration(duration)) parts.push(`${Duration.toMillis(duration)} ms`)
  if (Duration.isDuration(retryAfter)) parts.push(`after ${Duration.toMillis(retryAfter)} ms`)
  if (Array.isArray(causes)) parts.push(`${causes.length} causes`)
  return `${String(fields["_tag"])}(${parts.join(", ")})`
}

/** A duration that may be missing, in milliseconds. */
export const millisOf = (duration: Option.Option<Duration.Duration>): number | undefined =>
  Option.getOrUndefined(Option.map(duration, Duration.toMillis))

/** What a run of calls is made of. */
export interface Palette {
  readonly does: ReadonlyArray<Behaviour["does"]>
  readonly after: ReadonlyArray<number>
  readonly stubborn: ReadonlyArray<number>
  readonly failures: ReadonlyArray<Failure["_tag"]>
  readonly hints: ReadonlyArray<number>
  readonly keys: ReadonlyArray<string | undefined>
  readonly remaining: ReadonlyArray<number>
  /** The most behaviours of one call. */
  readonly attempts: number
}

export const plain: Palette = {
  does: ["succeed", "succeed", "fail", "fail", "die", "fail and die", "interrupt", "hang"],
  after: [0, 5, 10, 20, 40],
  stubborn: [0],
  failures: ["Down"],
  hints: [0],
  keys: [undefined],
  remaining: [Infinity],
  attempts: 1
}

export const callOf = (random: Seeded, palette: Palette, id: number): Call => ({
  _tag: "call",
  id,
  key: random.pick(palette.keys),
  behaviours: Array.from({ length: random.integer(1, palette.attempts) }, () => behaviourIn(random, palette)),
  remaining: random.pick(palette.remaining)
})

const behaviourIn = (random: Seeded, palette: Palette): Behaviour => {
  const does = random.pick(palette.does)
  return {
    does,
    after: random.pick(palette.after),
    // An operation that interrupts itself has nothing left to finish.
    stubborn: does === "interrupt" ? 0 : random.pick(palette.stubborn),
    failure: { _tag: random.pick(palette.failures), hint: random.pick(palette.hints) }
  }
}
