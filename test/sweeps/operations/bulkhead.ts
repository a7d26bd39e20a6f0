/**
 * Everything that can be done with a bulkhead, at once and in its queue.
 */
import { Duration, Effect, Fiber } from "effect"
import { Bulkhead, Deadline } from "../../../src/index.ts"
import { type Operation, type Prepared, same } from "../../support/sweep.ts"
import type { World } from "../../support/World.ts"
import * as Situation from "./situations.ts"

interface Parts {
  readonly world: World
  readonly bulkhead: Bulkhead.Bulkhead
  readonly through: Bulkhead.Bulkhead["execute"]
}

interface Row {
  readonly name: string
  readonly covers?: string
  readonly options?: Bulkhead.OptionsInput
  readonly key?: string
  readonly play: (parts: Parts) => Partial<Prepared> & Pick<Prepared, "call">
}

const rowOf = ({ covers, key, name, options = {}, play }: Row): Operation => {
  const makeBulkhead = Situation.maker(Bulkhead.Kind, { maxConcurrent: 1, ...options })
  return {
    name: `bulkhead, ${name}`,
    covers: [`bulkhead.${covers ?? (key === undefined ? "execute" : "executeWith")}`],
    prepare: (world) => {
      const bulkhead = makeBulkhead()
      const through = key === undefined ? bulkhead.execute : bulkhead.executeWith({ key })
      const { afterwards, ...prepared } = play({ world, bulkhead, through })
      return {
        ...prepared,
        afterwards: (exit) => {
          afterwards?.(exit)
          Situation.hasFullCapacity(world, bulkhead, key)
        }
      }
    }
  }
}

/** One call that finds room. */
const atOnce =
  (script: Situation.Step, times = 1): Row["play"] =>
  ({ bulkhead, through }) => {
    const work = new Situation.Work(script)
    return {
      call: through(work.call),
      afterwards: (exit) => {
        work.rests()
        const { failures, interrupted, rejected, successes } = bulkhead.snapshot(0)
        Situation.countsOnce({ successes, others: failures + interrupted + rejected }, work.begun, exit, times)
      }
    }
  }

/** A call that comes while another one is in, with one more behind it; whoever wants to leave the queue may. */
const behindAnother =
  (holding: Situation.Step): Row["play"] =>
  ({ bulkhead, through, world }) => {
    const others = new Situation.Others(world)
    const holder = new Situation.Work(holding)
    const work = new Situation.Work("up")
    const last = new Situation.Work("up")
    return {
      call: Effect.andThen(
        Effect.andThen(
          others.start(through(holder.call)),
          others.start(Effect.andThen(Effect.yieldNow, through(last.call)))
        ),
        through(work.call)
      ),
      end: others.end,
      afterwards: (exit) => {
        for (const one of [holder, work, last]) one.rests()
        if (exit._tag === "Success") same("calls that began", work.begun, 1)
        const begun = holder.begun + work.begun + last.begun
        const counted = Situation.countedBy(bulkhead)
        same("calls that are counted", begun <= counted && counted <= 3, true)
      }
    }
  }

/** A call that waits for ever behind another one. */
const behindOneThatStays: Row["play"] = ({ bulkhead, through, world }) => {
  const holder = world.fork(through(Effect.never))
  const work = new Situation.Work("up")
  return {
    call: Effect.raceFirst(through(work.call), Effect.as(Situation.yields(4), "gave up")),
    end: Fiber.interrupt(holder),
    afterwards: () => {
      same("calls that began", work.begun, 0)
      const { interrupted, rejected } = bulkhead.snapshot(0)
      same("calls that are counted, the one that stayed included", interrupted + rejected, 1, 2)
    }
  }
}

/** A call that ends while others wait, who get in one after the other. */
const handsOn: Row["play"] = ({ through, world }) => {
  const waiting = new Situation.Work("up")
  let queued: ReadonlyArray<Fiber.Fiber<unknown, unknown>> = []
  const queue = Effect.sync(() => {
    queued = [world.fork(through(waiting.call)), world.fork(through(waiting.call))]
  })
  return {
    call: through(Effect.andThen(queue, Situation.yields(3))),
    afterwards: () => {
      waiting.rests()
      same("calls that got in", waiting.begun, queued.length)
      same(
        "calls that ended well",
        queued.filter((fiber) => fiber.pollUnsafe()?._tag === "Success").length,
        queued.length
      )
    }
  }
}

/** A call that nobody lets in. */
const turnedAway =
  (reason: Bulkhead.BulkheadRejectedError["reason"]): Row["play"] =>
  ({ bulkhead, through, world }) => {
    const holder = world.fork(through(Effect.never))
    return {
      call: Effect.flip(through(Effect.die("got in"))),
      end: Fiber.interrupt(holder),
      afterwards: (exit) => {
        if (exit._tag === "Success") same("reason", (exit.value as Bulkhead.BulkheadRejectedError).reason, reason)
        const { failures, interrupted, rejected, successes } = bulkhead.snapshot(0)
        same("calls that got in", successes + failures, 0)
        same("calls that are counted, the one that stayed included", interrupted + rejected, 1, 2)
      }
    }
  }

/** A call under a deadline that has passed already, or passes while it waits. */
const underDeadline =
  (after: number): Row["play"] =>
  (parts) => {
    const deadline = { at: parts.world.now + after, service: "total", duration: Duration.seconds(1) }
    const { call, ...rest } = turnedAway("queue-timeout")(parts)
    return { ...rest, call: Effect.provideService(call, Deadline.CurrentDeadline, deadline) }
  }

/** Calls that wait at a closed gate, until somebody opens it. */
const opened =
  (open: (bulkhead: Bulkhead.Bulkhead) => Effect.Effect<void>, close: number): Row["play"] =>
  ({ bulkhead, through, world }) => {
    const waiting = new Situation.Work("up", "down", "up")
    world.get(bulkhead.resize(0))
    const queued = [0, 1, 2].map(() => world.fork(through(waiting.call)))
    return {
      call: open(bulkhead),
      end: Effect.andThen(bulkhead.resize(close), Fiber.awaitAll(queued)),
      afterwards: () => {
        waiting.rests()
        same("calls that got in", waiting.begun, 3)
        const { failures, interrupted, successes } = bulkhead.snapshot(0)
        same("counts", [successes, failures, interrupted], [2, 1, 0])
      }
    }
  }

/** A call that gets in because somebody opens the gate. */
const letIn: Row["play"] = ({ bulkhead, through, world }) => {
  const others = new Situation.Others(world)
  world.get(bulkhead.resize(0))
  const work = new Situation.Work("up")
  return {
    call: Effect.andThen(others.start(Effect.andThen(Situation.yields(3), bulkhead.resize(1))), through(work.call)),
    end: bulkhead.resize(1),
    afterwards: (exit) => {
      work.rests()
      const { failures, interrupted, rejected, successes } = bulkhead.snapshot(0)
      same("calls that are counted", successes + failures + interrupted + rejected, 1, ...(work.begun === 0 ? [0] : []))
      if (exit._tag === "Success") same("successes", successes, 1)
    }
  }
}

const rows: ReadonlyArray<Row> = [
  ...(["up", "down", "bug", "interrupt", 100] as const).map((step) => ({
    name: `at once, and the call ends with ${step}`,
    play: atOnce(step)
  })),
  { name: "at once, with a key", key: "tenant", play: atOnce("up") },
  {
    name: "at once, in a call of the same bulkhead",
    options: { maxConcurrent: 2, maxQueue: 0 },
    play: ({ through, ...parts }) => atOnce("up", 2)({ ...parts, through: (self) => through(through(self)) })
  },
  { name: "in the queue", options: { queueTimeout: "1 hour" }, play: behindAnother("up") },
  { name: "in the queue behind a call that fails", play: behindAnother("down") },
  {
    name: "in the queue behind a call that takes its time",
    options: { queueTimeout: 150 },
    play: behindAnother(100)
  },
  { name: "in the queue until the time is over", options: { queueTimeout: 50 }, play: behindAnother(100) },
  { name: "in the queue as long as its time allows", options: { queueTimeout: 100 }, play: behindAnother(100) },
  { name: "in the queue, with a key", key: "tenant", play: behindAnother("up") },
  { name: "in the queue, behind a call that stays", options: { queueTimeout: "1 hour" }, play: behindOneThatStays },
  { name: "hands its permit on", play: handsOn },
  { name: "hands its permit on, with a key", key: "tenant", play: handsOn },
  { name: "turned away by a full queue", options: { maxQueue: 0 }, play: turnedAway("full") },
  { name: "turned away when its time is over", options: { queueTimeout: 10 }, play: turnedAway("queue-timeout") },
  { name: "turned away by a deadline that has passed", play: underDeadline(-1) },
  { name: "turned away by a deadline that passes", play: underDeadline(10) },
  { name: "let in by a higher limit", play: letIn },
  { name: "resize", covers: "resize", play: opened((bulkhead) => bulkhead.resize(2), 1) },
  {
    name: "reconfigure",
    covers: "reconfigure",
    play: opened((bulkhead) => bulkhead.reconfigure({ maxConcurrent: 2 }), 1)
  }
]

export const operations: ReadonlyArray<Operation> = rows.map(rowOf)
