import { describe, expect, it } from "@effect/vitest"
import { Effect, type Scheduler } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead } from "../../../src/index.ts"
import * as Turns from "../../../src/policy/internal/Turns.ts"

/** A scheduler whose tasks run when the test says so. */
const makeScheduler = () => {
  const tasks: Array<() => void> = []
  const dispatcher: Scheduler.SchedulerDispatcher = {
    scheduleTask: (task) => void tasks.push(task),
    flush: () => {}
  }
  const scheduler: Scheduler.Scheduler = {
    executionMode: "async",
    shouldYield: () => false,
    makeDispatcher: () => dispatcher
  }
  const runAll = (): void => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
  }
  return { scheduler, tasks, runAll }
}

const thrownBy = (task: () => void): unknown => {
  try {
    task()
  } catch (error) {
    return error
  }
  return undefined
}

const makeQueue = Effect.gen(function* () {
  const context = yield* Effect.context<never>()
  const { runAll, scheduler, tasks } = makeScheduler()
  const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
  const fork = <A>(effect: Effect.Effect<A>, options = { scheduler }) => Effect.runForkWith(context)(effect, options)
  const order: Array<string> = []
  const holder = fork(Effect.exit(bulkhead.execute(Effect.never)))
  const arrive = (name: string, options?: { readonly scheduler: Scheduler.Scheduler }) =>
    fork(Effect.exit(bulkhead.execute(Effect.sync(() => order.push(name)))), options)
  return { arrive, bulkhead, fork, holder, order, runAll, scheduler, tasks }
})

describe("calls whose turn has come", () => {
  it.effect("share one task, and run in the order of their arrival", () =>
    Effect.gen(function* () {
      const { arrive, bulkhead, fork, holder, order, runAll, tasks } = yield* makeQueue
      for (const name of ["a", "b", "c"]) arrive(name)
      fork(bulkhead.resize(3))
      holder.interruptUnsafe()
      expect([tasks.length, order]).toEqual([1, []])
      runAll()
      expect(order).toEqual(["a", "b", "c"])
    })
  )

  it.effect("run in a task of their own once the one before has begun", () =>
    Effect.gen(function* () {
      const { arrive, holder, order, tasks } = yield* makeQueue
      for (const name of ["a", "b"]) arrive(name)
      holder.interruptUnsafe()
      tasks.shift()!()
      expect([tasks.length, order]).toEqual([1, ["a"]])
      tasks.shift()!()
      expect([tasks.length, order]).toEqual([0, ["a", "b"]])
    })
  )

  it.effect("run although one of them throws into the task, which is told", () =>
    Effect.withFiber((fiber) => {
      const { scheduler, tasks } = makeScheduler()
      const turns = Turns.make()
      const order: Array<string> = []
      const calls = ["a", "b!", "c", "d!", "e"].map((name) => ({
        come: () => {
          order.push(name)
          if (name.endsWith("!")) throw new Error(name)
        }
      }))
      const own = Effect.runForkWith(fiber.context)(
        Effect.withFiber((own) => Effect.sync(() => calls.forEach((call) => Turns.add(turns, call, own)))),
        {
          scheduler
        }
      )
      expect(own.pollUnsafe()).toBeDefined()
      expect(tasks).toHaveLength(1)
      expect(thrownBy(tasks[0]!)).toEqual(new Error("d!"))
      expect(order).toEqual(["a", "b!", "c", "d!", "e"])
      return Effect.void
    })
  )

  it.effect("get another task from the next that waits when the host has dropped theirs", () =>
    Effect.gen(function* () {
      const { arrive, holder, order, runAll, tasks } = yield* makeQueue
      arrive("a")
      holder.interruptUnsafe()
      tasks.length = 0
      yield* TestClock.adjust(999)
      arrive("b")
      expect(tasks).toHaveLength(0)
      yield* TestClock.adjust(1)
      arrive("c")
      expect(tasks).toHaveLength(1)
      arrive("d")
      expect(tasks).toHaveLength(1)
      runAll()
      expect(order).toEqual(["a", "b", "c", "d"])
    })
  )

  it.effect("are run by whichever of their tasks comes first when one was only late", () =>
    Effect.gen(function* () {
      const { arrive, holder, order, tasks } = yield* makeQueue
      arrive("a")
      holder.interruptUnsafe()
      yield* TestClock.adjust(1_000)
      arrive("b")
      expect(tasks).toHaveLength(2)
      tasks.shift()!()
      expect([tasks.length, order]).toEqual([1, ["a"]])
      tasks.shift()!()
      expect([tasks.length, order]).toEqual([0, ["a", "b"]])
    })
  )

  it.effect("get another task from the next that finds a full queue when the host has dropped theirs", () =>
    Effect.gen(function* () {
      const { arrive, bulkhead, fork, holder, order, runAll, tasks } = yield* makeQueue
      fork(bulkhead.reconfigure({ maxQueue: 1 }))
      arrive("a")
      holder.interruptUnsafe()
      tasks.length = 0
      arrive("b")
      yield* TestClock.adjust(1_000)
      arrive("c")
      runAll()
      expect(order).toEqual(["a", "b"])
    })
  )

  it.effect("get another task from the next whose turn comes when the host has dropped theirs", () =>
    Effect.gen(function* () {
      const { arrive, bulkhead, fork, holder, order, runAll, tasks } = yield* makeQueue
      for (const name of ["a", "b"]) arrive(name)
      holder.interruptUnsafe()
      tasks.length = 0
      yield* TestClock.adjust(1_000)
      fork(bulkhead.resize(2))
      runAll()
      expect(order).toEqual(["a", "b"])
    })
  )

  it.effect("need not wait for another scheduler than that of who made room", () =>
    Effect.gen(function* () {
      const { arrive, bulkhead, fork, order, tasks } = yield* makeQueue
      const other = makeScheduler()
      arrive("a")
      arrive("b", other)
      fork(bulkhead.resize(2))
      fork(bulkhead.resize(3), other)
      expect([tasks.length, other.tasks.length]).toEqual([1, 1])
      other.runAll()
      expect(order).toEqual(["a", "b"])
    })
  )

  it.effect("need not wait for the scheduler of who made room after that", () =>
    Effect.gen(function* () {
      const { arrive, bulkhead, fork, order, runAll } = yield* makeQueue
      const other = makeScheduler()
      arrive("a")
      arrive("b", other)
      fork(bulkhead.resize(2))
      fork(bulkhead.resize(3), other)
      runAll()
      expect(order).toEqual(["a", "b"])
      other.runAll()
      expect(order).toEqual(["a", "b"])
    })
  )

  it.effect("run however many throw", () =>
    Effect.withFiber((fiber) => {
      const { tasks, scheduler } = makeScheduler()
      const turns = Turns.make()
      let came = 0
      const come = () => {
        came++
        throw new Error("broken")
      }
      const add = Effect.withFiber((own) =>
        Effect.sync(() => {
          for (let i = 0; i < 20_000; i++) Turns.add(turns, { come }, own)
        })
      )
      Effect.runForkWith(fiber.context)(add, { scheduler })
      expect(thrownBy(tasks[0]!)).toEqual(new Error("broken"))
      expect(came).toBe(20_000)
      return Effect.void
    })
  )
})
