/**
 * Calls that are answered in another way when they have failed.
 */
import { Effect, type Exit } from "effect"
import { Fallback, Policy } from "../../../src/index.ts"
import { type Operation, same } from "../../support/sweep.ts"
import type { World } from "../../support/World.ts"
import * as Situation from "./situations.ts"

type Call = Effect.Effect<string, string>

interface Form {
  readonly covers: string
  /** The call, and work that may answer it. */
  readonly guard: (call: Call, answer: Call, world: World) => Effect.Effect<unknown, unknown>
}

/** A cache that has a value, and one that has none. */
const warm = (world: World): Fallback.Cache<unknown> => {
  const cache = world.get(Fallback.makeCache<unknown>())
  cache.values.remember("key", "earlier", world.now)
  return cache
}
const cold = (world: World): Fallback.Cache<unknown> => world.get(Fallback.makeCache<unknown>())

const forms: ReadonlyArray<Form> = [
  { covers: "Fallback.orElse", guard: (call, answer) => Fallback.orElse(call, () => answer) },
  {
    covers: "Fallback.orElse",
    guard: (call, answer) => Fallback.orElse(call, () => answer, { when: (error: string) => error === "other" })
  },
  { covers: "Fallback.orElseSucceed", guard: (call) => Fallback.orElseSucceed(call, () => "instead") },
  { covers: "Fallback.chain", guard: (call, answer) => Fallback.chain(call, [Effect.fail("no"), answer, answer]) },
  { covers: "Fallback.failOpen", guard: (call) => Fallback.failOpen(Effect.as(call, false)) },
  { covers: "Fallback.failClosed", guard: (call) => Fallback.failClosed(Effect.as(call, true)) },
  { covers: "Fallback.orEmpty", guard: (call) => Fallback.orEmpty(Effect.map(call, (one) => [one])) },
  { covers: "Fallback.cached", guard: (call, _, world) => Fallback.cached(call, warm(world), "key") },
  { covers: "Fallback.cached", guard: (call, _, world) => Fallback.cached(call, cold(world), "key") },
  {
    covers: "Fallback.stale",
    guard: (call, _, world) => Fallback.stale(call, warm(world), "key", { maxAge: "1 hour" })
  },
  { covers: "Fallback.stale", guard: (call, _, world) => Fallback.stale(call, warm(world), "key", { maxAge: 0 }) }
]

const scripts: ReadonlyArray<readonly [Situation.Step, Situation.Step]> = [
  ["up", "up"],
  ["down", "up"],
  ["down", "down"],
  ["down", "interrupt"],
  ["bug", "up"],
  ["interrupt", "up"]
]

interface Totals {
  readonly successes: number
  readonly answered: number
  readonly failures: number
}

/** Each call is counted at most once, and one that has ended by itself exactly once; what was interrupted, is not. */
const isCounted = ({ answered, failures, successes }: Totals, exit: Exit.Exit<unknown, unknown>): void => {
  const isOver = exit._tag === "Success" || !exit.cause.reasons.some(({ _tag }) => _tag === "Interrupt")
  same("calls that are counted", successes + answered + failures, 1, ...(isOver ? [] : [0]))
  if (exit._tag === "Success") same("failures", failures, 0)
}

const formRow = ({ covers, guard }: Form, [step, answer]: (typeof scripts)[number], number: number): Operation => ({
  isVariant: number > 1,
  name: `${covers} (${number}), a call that ends with ${step}, an answer with ${answer}`,
  covers: [covers],
  prepare: (world) => {
    const work = new Situation.Work(step)
    const instead = new Situation.Work(answer)
    const record = Fallback.Kind.make("default", {})
    const registry = Situation.registryOf([record])
    const call = guard(work.call, instead.call, world)
    return {
      call: Effect.provideService(call, Policy.ResilienceRegistry, registry),
      whenEnded: () => {
        work.rests()
        instead.rests()
      },
      afterwards: (exit) => {
        isCounted(record.totals, exit)
      }
    }
  }
})

const partRow = ([step, answer]: (typeof scripts)[number]): Operation => ({
  name: `fallback, a call that ends with ${step}, an answer with ${answer}`,
  covers: ["fallback.execute"],
  prepare: () => {
    const work = new Situation.Work(step)
    const instead = new Situation.Work(answer)
    const fallback = Fallback.makeUnsafe(() => instead.call)
    return {
      call: fallback.execute(work.call),
      whenEnded: () => {
        work.rests()
        instead.rests()
      },
      afterwards: (exit) => {
        if (work.begun === 1) isCounted(fallback.snapshot(0), exit)
      }
    }
  }
})

/** What is remembered is the value of a call that ended well, or the one before it. */
const remembers: Operation = {
  name: "Fallback.cached, what it remembers",
  covers: ["Fallback.cached"],
  prepare: (world) => {
    const cache = warm(world)
    const work = new Situation.Work("up")
    return {
      call: Fallback.cached(work.call, cache, "key"),
      afterwards: (exit) => {
        work.rests()
        const found = cache.values.recall("key", world.now)?.value
        same("value that is remembered", found, "up", ...(exit._tag === "Success" ? [] : ["earlier"]))
        same("answer", world.get(Fallback.cached(Effect.fail("down"), cache, "key")), found)
      }
    }
  }
}

export const operations: ReadonlyArray<Operation> = [
  ...scripts.map(partRow),
  ...forms.flatMap((form, number) => scripts.map((script) => formRow(form, script, number + 1))),
  remembers
]
