/**
 * A policy and the model of it, side by side: the same calls, interruptions, waits and orders, and after each step both must
 * have told the same story and show the same snapshot.
 */
import { isDeepStrictEqual } from "node:util"
import { Effect, type Fiber } from "effect"
import { Pipeline, type Policy, Timeout } from "../../../src/index.ts"
import { RecordedEvents } from "../../../src/testing/index.ts"
import { type Seeded, seeded } from "../../../src/testing/internal/Seeded.ts"
import { shortest } from "../../../src/testing/internal/shortest.ts"
import { Simulation } from "../../../src/testing/internal/Simulation.ts"
import { behave, behaviourOf, type Call, callOf, endOf, type Palette, underDeadline } from "./Call.ts"

/** What a policy does, written for clarity. It appends to its story what becomes of the calls. */
export interface Reference<Order> {
  readonly story: Array<string>
  readonly call: (call: Call) => void
  readonly interrupt: (id: number) => void
  readonly advance: (millis: number) => void
  /** What was admitted in the meantime starts; only queues know such a time. */
  readonly settle?: () => void
  readonly obey: (order: Order) => void
  readonly snapshot: () => unknown
}

/** The policy itself. */
export interface Real<Order> {
  /** The outermost first. They are tried by themselves and in pipelines, which must make no difference. */
  readonly parts: ReadonlyArray<Pipeline.Part>
  /** Guards the operation of a call in other ways. */
  readonly guard?: (call: Call, operation: Effect.Effect<string, unknown>) => Effect.Effect<unknown, unknown>
  readonly obey: (order: Order) => Effect.Effect<void>
  /** In the words of the model. `events` are all events of the policy so far. */
  readonly snapshot: (now: number, events: () => ReadonlyArray<Policy.Event>) => unknown
}

export interface Model<Plan, Order extends { readonly _tag: string }> {
  readonly policy: string
  readonly plan: (random: Seeded) => Plan
  readonly palette: (plan: Plan) => Palette
  readonly waits: ReadonlyArray<number>
  /** The most commands in a sequence. */
  readonly length?: number
  /** What operators do; none for a policy that takes no orders. */
  readonly order?: (random: Seeded, plan: Plan) => Order
  readonly reference: (plan: Plan) => Reference<Order>
  readonly real: (plan: Plan) => Real<Order>
}

export type Command<Order> =
  | Call
  | { readonly _tag: "interrupt"; readonly id: number }
  | { readonly _tag: "wait"; readonly millis: number }
  | { readonly _tag: "settle" }
  | Order

/** All chance in the policies. */
export const CHANCE = 0.75

const LENGTH = 14

/** How the parts are put around an operation. With a time limit inside that never ends, a pipeline can fuse them. */
const FORMS = ["alone", "in a pipeline", "around a timeout"] as const
type Form = (typeof FORMS)[number]

const ENDLESS = 1e9

type Guard = (call: Call, operation: Effect.Effect<string, unknown>) => Effect.Effect<unknown, unknown>

const guardOf = (parts: ReadonlyArray<Pipeline.Part>, form: Form): Guard => {
  const limit = form === "around a timeout" ? [Timeout.makeUnsafe({ duration: ENDLESS })] : []
  const pipeline = Pipeline.inOrder([...parts, ...limit])
  const guard = (operation: Effect.Effect<unknown, unknown>, part: Pipeline.Part | typeof pipeline, { key }: Call) =>
    key === undefined || !("executeWith" in part) ? part.execute(operation) : part.executeWith({ key })(operation)
  return (call, operation) =>
    form === "alone"
      ? parts.reduceRight<Effect.Effect<unknown, unknown>>(
          (inner, part) => guard(inner, part, call) as Effect.Effect<unknown, unknown>,
          operation
        )
      : (guard(operation, pipeline, call) as Effect.Effect<unknown, unknown>)
}

const commandsOf = <Plan, Order extends { readonly _tag: string }>(
  model: Model<Plan, Order>,
  plan: Plan,
  random: Seeded
): ReadonlyArray<Command<Order>> =>
  Array.from({ length: random.integer(1, model.length ?? LENGTH) }, (_, id): Command<Order> => {
    const dice = random.next()
    if (dice < 0.5) return callOf(random, model.palette(plan), id)
    if (dice < 0.76) return { _tag: "wait", millis: random.pick(model.waits) }
    if (dice < 0.8) return { _tag: "settle" }
    if (dice < 0.9 || model.order === undefined) return { _tag: "interrupt", id: random.integer(0, id) }
    return model.order(random, plan)
  })

/** Performs commands on both; the first difference is an error. */
class Trial<Plan, Order extends { readonly _tag: string }> {
  private readonly simulation = new Simulation({ random: () => CHANCE })
  private readonly recorded = RecordedEvents.make()
  private readonly story: Array<string> = []
  private readonly fibers = new Map<number, Fiber.Fiber<unknown, unknown>>()
  private readonly reference: Reference<Order>
  private readonly real: Real<Order>
  private readonly guard: Guard

  constructor(model: Model<Plan, Order>, plan: Plan, form: Form) {
    this.reference = model.reference(plan)
    this.real = model.real(plan)
    this.guard = this.real.guard ?? guardOf(this.real.parts, form)
  }

  perform(command: Command<Order>): void {
    if (isCall(command)) {
      this.call(command)
      this.reference.call(command)
    } else if (isInterruption(command)) {
      this.fibers.get(command.id)?.interruptUnsafe()
      if (this.fibers.has(command.id)) this.reference.interrupt(command.id)
    } else if (isWait(command)) {
      this.simulation.advance(command.millis)
      this.reference.settle?.()
      this.reference.advance(command.millis)
    } else if (command._tag !== "settle") {
      this.simulation.start(this.recorded.record(this.real.obey(command as Order)))
      this.reference.obey(command as Order)
    }
    if (this.reference.settle === undefined || command._tag === "settle") {
      this.simulation.settle()
      this.reference.settle?.()
    }
    this.compare()
  }

  private call(call: Call): void {
    let attempts = 0
    const operation = Effect.suspend(() => {
      attempts++
      this.tell(`call ${call.id}, attempt ${attempts}`)
      return behave(behaviourOf(call, attempts))
    })
    const guarded = underDeadline(call, this.simulation.now, this.guard(call, operation))
    const fiber = this.simulation.start(this.recorded.record(guarded))
    this.fibers.set(call.id, fiber)
    fiber.addObserver((exit) => this.tell(`call ${call.id}: ${endOf(exit)}`))
  }

  private tell(what: string): void {
    this.story.push(`at ${this.simulation.now} ${what}`)
  }

  private compare(): void {
    const real = this.story.splice(0).toSorted()
    const expected = this.reference.story.splice(0).toSorted()
    agree("what happened", real, expected)
    const events = () => this.recorded.events().filter(({ kind }) => kind !== Pipeline.Kind.id)
    agree("the snapshot", this.real.snapshot(this.simulation.now, events), this.reference.snapshot())
  }
}

const isCall = (command: { readonly _tag: string }): command is Call => command._tag === "call"
const isInterruption = (command: { readonly _tag: string }): command is { _tag: "interrupt"; id: number } =>
  command._tag === "interrupt"
const isWait = (command: { readonly _tag: string }): command is { _tag: "wait"; millis: number } =>
  command._tag === "wait"

const agree = (what: string, real: unknown, expected: unknown): void => {
  if (isDeepStrictEqual(real, expected)) return
  throw new Error(`${what}\n  policy: ${text(real)}\n  model:  ${text(expected)}`)
}

/** JSON, with a word for what it has none for. */
const text = (value: unknown): string => JSON.stringify(value, (_, value) => (value === Infinity ? "Infinity" : value))

const problemOf = <Plan, Order extends { readonly _tag: string }>(
  model: Model<Plan, Order>,
  plan: Plan,
  form: Form,
  commands: ReadonlyArray<Command<Order>>
): Error | undefined => {
  try {
    const trial = new Trial(model, plan, form)
    for (const command of commands) trial.perform(command)
    return undefined
  } catch (error) {
    return error as Error
  }
}

/** Which runs. */
export interface Scope {
  readonly runs: number
  /** That of the first run; each further one has the next. */
  readonly seed: number
}

/** Runs a model from a seed on, and fails at the first difference with the shortest way there. */
export const check = <Plan, Order extends { readonly _tag: string }>(
  model: Model<Plan, Order>,
  { runs, seed: first }: Scope
): void => {
  for (let seed = first; seed < first + runs; seed++) {
    const random = seeded(seed)
    const plan = model.plan(random)
    // A time limit inside would not begin what a caller's deadline has left no time for.
    const hasDeadlines = model.palette(plan).remaining.some(Number.isFinite)
    const form = random.pick(hasDeadlines ? FORMS.slice(0, 2) : FORMS)
    const commands = commandsOf(model, plan, random)
    if (problemOf(model, plan, form, commands) === undefined) continue
    const fails = (fewer: typeof commands) => Effect.sync(() => problemOf(model, plan, form, fewer) !== undefined)
    const few = Effect.runSync(shortest(commands, fails))
    const problem = problemOf(model, plan, form, few)!
    throw new Error(
      [
        `${model.policy} is not as its model with seed ${seed}: ${problem.message}`,
        `with ${text(plan)}, ${form}`,
        `after`,
        ...few.map((command) => `  ${text(command)}`),
        `again: npm run models -- --policy ${model.policy} --seed ${seed} --runs 1`
      ].join("\n"),
      { cause: problem }
    )
  }
}
