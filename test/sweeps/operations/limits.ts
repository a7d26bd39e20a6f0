/**
 * Calls whose time is limited: by a timeout, a deadline, or both, on a virtual clock and with the timers of Node.
 */
import { Clock, Duration, Effect, type Exit } from "effect"
import { Deadline, Timeout } from "../../../src/index.ts"
import { type Operation, same } from "../../support/sweep.ts"
import { LIVE_CLOCK } from "../../support/World.ts"
import * as Situation from "./situations.ts"

type Limit = Pick<Timeout.Timeout, "elapsedSeconds" | "execute" | "options" | "reconfigure"> & {
  readonly snapshot: (now: number) => Pick<Timeout.Snapshot, "exceeded" | "failures" | "interrupted" | "successes">
}

interface Start {
  readonly name: string
  readonly step: Situation.Step
  /** Nobody can interrupt the work. */
  readonly isStubborn?: boolean
  readonly duration?: number
  /** The time of a deadline around it. */
  readonly outer?: number
}

const starts: ReadonlyArray<Start> = [
  { name: "in time", step: "up" },
  { name: "that fails", step: "down" },
  { name: "that dies", step: "bug" },
  { name: "that interrupts itself", step: "interrupt" },
  { name: "that takes its time", step: 50 },
  { name: "that is late", step: 200 },
  { name: "that is just in time, or just not", step: 100 },
  { name: "that is late and cannot be interrupted", step: 200, isStubborn: true },
  { name: "that never ends", step: "never" },
  { name: "without a limit", step: "up", duration: Infinity },
  { name: "under a deadline that is earlier", step: "never", outer: 50 },
  { name: "under a deadline that is later", step: "never", outer: 150 },
  { name: "under a deadline that has passed", step: "up", outer: -1 }
]

const clocks = ["virtual", "live"] as const

const kinds: ReadonlyArray<readonly [string, (duration: number) => () => Limit]> = [
  ["timeout", (duration) => Situation.maker(Timeout.Kind, { duration })],
  ["deadline", (duration) => Situation.maker(Deadline.Kind, { duration })]
]

const rowsOf = ([kind, makerOf]: (typeof kinds)[number]): ReadonlyArray<Operation> =>
  starts.flatMap(({ duration = 100, isStubborn = false, name, outer, step }) => {
    const makeLimit = makerOf(duration)
    return clocks.map((clock): Operation => ({
      name: `${kind}, a call ${name}, on a ${clock} clock`,
      covers: [`${kind}.execute`],
      prepare: (world) => {
        const limit = makeLimit()
        const work = new Situation.Work(step)
        const guarded = limit.execute(isStubborn ? Effect.uninterruptible(work.call) : work.call)
        return {
          call: under(outer === undefined ? undefined : world.now + outer, on(clock, guarded)),
          whenEnded: () => work.rests(),
          afterwards: (exit) => {
            isCounted(limit, work, exit)
          }
        }
      }
    }))
  })

const on = <A, E>(clock: (typeof clocks)[number], call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  clock === "live" ? Effect.provideService(call, Clock.Clock, LIVE_CLOCK) : call

/** Under a deadline at a time. */
const under = <A, E>(at: number | undefined, call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  at === undefined
    ? call
    : Effect.provideService(call, Deadline.CurrentDeadline, { at, service: "total", duration: Duration.seconds(1) })

const isCounted = (limit: Limit, work: Situation.Work, exit: Exit.Exit<unknown, unknown>): void => {
  const { exceeded, failures, interrupted, successes } = limit.snapshot(0)
  const others = failures + exceeded + interrupted
  Situation.countsOnce({ successes, others }, work.begun, exit)
  if (work.begun > 0) same("times that are recorded", limit.elapsedSeconds.count, successes + others)
}

/** The other ways to limit a call. */
const rows: ReadonlyArray<
  readonly [covers: string, of: (call: Effect.Effect<string, string>) => Effect.Effect<unknown, unknown>]
> = [
  ["timeout.executeWith", (call) => Timeout.makeUnsafe({ duration: 100 }).executeWith({ key: "tenant" })(call)],
  ["deadline.executeWith", (call) => Deadline.makeUnsafe({ duration: 100 }).executeWith({ key: "tenant" })(call)],
  ["Timeout.withTimeout", Timeout.withTimeout(100)],
  ["Deadline.withDeadline", Deadline.withDeadline(100)],
  ["Deadline.withDeadline", (call) => call.pipe(Timeout.withTimeout(100), Deadline.withDeadline(100))],
  [
    "Deadline.withoutDeadline",
    (call) => call.pipe(Timeout.withTimeout(100), Deadline.withoutDeadline, Deadline.withDeadline(50))
  ],
  ["Deadline.remaining", (call) => Effect.andThen(Deadline.remaining, call).pipe(Deadline.withDeadline(100))]
]

const wayRow = ([covers, of]: (typeof rows)[number], step: Situation.Step): Operation => ({
  name: `${covers}, a call that ends with ${step}`,
  covers: [covers],
  prepare: () => {
    const work = new Situation.Work(step)
    return { call: of(work.call), whenEnded: () => work.rests() }
  }
})

/** Other options, while a call goes on. */
const reconfigureRow = ([kind, makerOf]: (typeof kinds)[number]): Operation => {
  const makeLimit = makerOf(100)
  return {
    name: `${kind}, reconfigure`,
    covers: [`${kind}.reconfigure`],
    prepare: (world) => {
      const limit = makeLimit()
      const work = new Situation.Work("up")
      const others = new Situation.Others(world)
      return {
        call: Effect.andThen(others.start(limit.execute(work.call)), limit.reconfigure({ duration: 5 })),
        end: others.end,
        afterwards: (exit) => {
          work.rests()
          if (exit._tag === "Success") same("duration", Duration.toMillis(limit.options.duration), 5)
        }
      }
    }
  }
}

export const operations: ReadonlyArray<Operation> = [
  ...kinds.flatMap(rowsOf),
  ...rows.flatMap((row) => [wayRow(row, "up"), wayRow(row, "never")]),
  ...kinds.map(reconfigureRow)
]
