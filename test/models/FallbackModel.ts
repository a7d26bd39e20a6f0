/**
 * Fallbacks of every form. A typed error is answered, if the form has an answer for it; what is counted and told is whether
 * the call needed one, and what became of it. A cache answers with the last good value of a key while it is young enough and
 * among the few that were used last.
 */
import { Context, Effect } from "effect"
import { Fallback, Policy } from "../../src/index.ts"
import { Agenda, type Entry } from "./support/Agenda.ts"
import { behave, behaviourOf, type Behaviour, type Call, endOfBehaviour, plain } from "./support/Call.ts"
import type { Model, Reference } from "./support/Model.ts"

const FORMS = [
  "part",
  "orElse",
  "orElseSucceed",
  "when",
  "chain",
  "cached",
  "cached",
  "stale",
  "stale",
  "failOpen",
  "failClosed"
] as const
type Form = (typeof FORMS)[number]

interface Plan {
  readonly form: Form
  readonly capacity: number
  readonly timeToLive: number
  readonly maxAge: number
}

type NoOrder = { readonly _tag: "none" }

interface Running {
  readonly call: Call
  /** The steps of a chain that have failed before; 0 for the call itself. */
  step: number
  next: Entry | undefined
}

interface Remembered {
  readonly key: string
  readonly value: string
  readonly at: number
}

const KEYS = ["a", "b", "c"]

/** The form has nothing to say about an error that it does not know. */
const WHEN = "Busy"
const STEPS: Partial<Record<Form, number>> = { part: 1, orElse: 1, when: 1, chain: 2 }
const VALUES: Partial<Record<Form, string>> = { orElseSucceed: "instead", failOpen: "true", failClosed: "false" }

/** A part does not get to know for which call it answers, so it answers the same to all. */
const DELAY = 5
const LATE: Behaviour = { does: "succeed", after: DELAY, stubborn: 0, failure: { _tag: "Down", hint: 0 } }

/** A value tells whose it is. */
const valueOf = ({ id, key = "" }: Call): string => `${key}${id}`

export class FallbackModel implements Reference<NoOrder> {
  readonly story: Array<string> = []
  private readonly agenda = new Agenda()
  private readonly running = new Map<number, Running>()
  private readonly totals = { successes: 0, answered: 0, failures: 0 }
  /** The one used last comes last. */
  private remembered: ReadonlyArray<Remembered> = []
  private used = 0
  private readonly plan: Plan

  constructor(plan: Plan) {
    this.plan = plan
  }

  call(call: Call): void {
    const run: Running = { call, step: 0, next: undefined }
    this.running.set(call.id, run)
    this.tell(run, ", attempt 1")
    this.go(run)
  }

  interrupt(id: number): void {
    const run = this.running.get(id)
    if (run === undefined) return
    this.agenda.cancel(run.next)
    this.finish(run, "interrupted")
  }

  advance(millis: number): void {
    this.agenda.advance(millis)
  }

  obey(): void {}

  snapshot(): unknown {
    return { ...this.totals, used: this.used }
  }

  private go(run: Running): void {
    const behaviour = run.step > 0 && this.plan.form === "part" ? LATE : behaviourOf(run.call, run.step + 1)
    if (behaviour.does === "hang") return
    if (behaviour.after > 0) run.next = this.agenda.after(behaviour.after, () => this.ended(run, behaviour))
    else this.ended(run, behaviour)
  }

  private ended(run: Running, behaviour: Behaviour): void {
    const end = endOfBehaviour(behaviour)
    if (behaviour.does === "succeed") {
      if (run.step > 0) return this.answer(run, "up")
      this.totals.successes++
      if (this.isCache) this.remember(run.call)
      return this.finish(run, this.isCache ? valueOf(run.call) : "up")
    }
    if (behaviour.does !== "fail") return this.fail(run, end)
    const { form } = this.plan
    if (run.step < (STEPS[form] ?? 0) && (form !== "when" || end === WHEN)) {
      this.used++
      run.step++
      return this.go(run)
    }
    if (VALUES[form] !== undefined) {
      this.used++
      return this.answer(run, VALUES[form])
    }
    const found = this.isCache ? this.recall(run.call.key!) : undefined
    if (found === undefined) return this.fail(run, end)
    this.used++
    this.answer(run, found)
  }

  private get isCache(): boolean {
    return this.plan.form === "cached" || this.plan.form === "stale"
  }

  private remember({ id, key = "" }: Call): void {
    const others = this.remembered.filter((other) => other.key !== key)
    const all = [...others, { key, value: `${key}${id}`, at: this.agenda.now }]
    this.remembered = all.slice(-this.plan.capacity)
  }

  /** To look at a value that is too old is no use of it; to find one too old for `stale` is. */
  private recall(key: string): string | undefined {
    const { form, maxAge, timeToLive } = this.plan
    const found = this.remembered.find((other) => other.key === key)
    if (found === undefined) return undefined
    const age = this.agenda.now - found.at
    if (age >= timeToLive) return undefined
    this.remembered = [...this.remembered.filter((other) => other !== found), found]
    return form === "cached" || age < maxAge ? found.value : undefined
  }

  private answer(run: Running, value: string): void {
    this.totals.answered++
    this.finish(run, value)
  }

  private fail(run: Running, end: string): void {
    if (end !== "interrupted") this.totals.failures++
    this.finish(run, end)
  }

  private finish(run: Running, end: string): void {
    this.running.delete(run.call.id)
    this.tell(run, `: ${end}`)
  }

  private tell({ call }: Running, what: string): void {
    this.story.push(`at ${this.agenda.now} call ${call.id}${what}`)
  }
}

const service = "prices"

/** A registry that knows one record of fallbacks. */
const registryOf = (record: Fallback.FallbackRecord): Policy.ResilienceRegistry["Service"] => ({
  // The model asks for nothing but fallbacks.
  get: () => record as never,
  instances: () => [record],
  observe: () => {},
  subscribe: () => () => {},
  recent: () => []
})

/** A cache is looked at often, and at the very moment when a value is too old. */
const CACHING = { does: ["succeed", "fail", "fail"], after: [0] } as const

export const fallback: Model<Plan, NoOrder> = {
  policy: "fallback",
  waits: [1, 5, 10, 20, 40],
  length: 30,
  plan: (random) => ({
    form: random.pick(FORMS),
    capacity: random.integer(1, 3),
    timeToLive: random.pick([20, 40, 100]),
    maxAge: random.pick([10, 20, 40])
  }),
  palette: ({ form }) => ({
    ...plain,
    ...(form === "cached" || form === "stale" ? CACHING : {}),
    failures: ["Down", "Busy"],
    keys: KEYS,
    attempts: 3
  }),
  reference: (plan) => new FallbackModel(plan),
  real: ({ capacity, form, maxAge, timeToLive }) => {
    const record = Fallback.Kind.make(service, {})
    const cache = Effect.runSync(Fallback.makeCache<string>({ service, capacity, timeToLive }))
    const answerTo = (call: Call) => behave(behaviourOf(call, 2))
    const part = Fallback.makeUnsafe(() => Effect.delay(Effect.succeed("up"), DELAY), { service })
    const guard = (call: Call, operation: Effect.Effect<string, unknown>): Effect.Effect<unknown, unknown> => {
      const remembered = Effect.as(operation, valueOf(call))
      const failing = operation as Effect.Effect<string, { readonly _tag: "Busy" | "Down" }>
      switch (form) {
        case "orElse":
          return Fallback.orElse(operation, () => answerTo(call), { service })
        case "when":
          return Fallback.orElse(failing, () => answerTo(call), { service, when: WHEN })
        case "orElseSucceed":
          return Fallback.orElseSucceed(operation, () => "instead", { service })
        case "chain":
          return Fallback.chain(operation, [behave(behaviourOf(call, 2)), behave(behaviourOf(call, 3))], { service })
        case "cached":
          return Fallback.cached(remembered, cache, call.key!)
        case "stale":
          return Fallback.stale(remembered, cache, call.key!, { maxAge })
        case "failOpen":
          return Fallback.failOpen(operation as Effect.Effect<never, unknown>, { service })
        case "failClosed":
          return Fallback.failClosed(operation as Effect.Effect<never, unknown>, { service })
        case "part":
          return part.execute(operation)
      }
    }
    const context = Context.make(Policy.ResilienceRegistry, registryOf(record))
    return {
      parts: [part],
      ...(form === "part" ? {} : { guard: (call, operation) => Effect.provide(guard(call, operation), context) }),
      obey: () => Effect.void,
      snapshot: (now, events) => {
        const { answered, failures, successes } = (form === "part" ? part : record).snapshot(now)
        return { successes, answered, failures, used: events().length }
      }
    }
  }
}
