/**
 * What happens to the subject of an experiment: calls whose every attempt has its behaviour, interruptions, time that passes,
 * and operators. All of it is data, so that it can be repeated, shortened and printed.
 */
import * as Duration from "effect/Duration"
import * as Formatter from "effect/Formatter"
import type { Seeded } from "./Seeded.ts"

/** What one attempt does, after how long; interrupted, it takes `stubborn` milliseconds to end. */
export interface Behaviour {
  readonly does: "succeed" | "fail" | "die" | "fail and die" | "interrupt itself" | "hang"
  readonly after: number
  readonly stubborn: number
  readonly error: unknown
}

/** A call; the last behaviour is that of all further attempts. `remaining` is the time to a deadline of the caller. */
export interface Call {
  readonly _tag: "Call"
  readonly id: number
  readonly key: string | undefined
  readonly remaining: number | undefined
  readonly behaviours: readonly [Behaviour, ...ReadonlyArray<Behaviour>]
  /** How many steps fibers take before the next command. */
  readonly steps: number
  /** Whether the call is interrupted after these steps, wherever it is then. */
  readonly isInterrupted: boolean
}

/** One of these, or an order to one of the parts. */
export type Command =
  | Call
  | { readonly _tag: "Interrupt"; readonly id: number; readonly steps: number }
  | { readonly _tag: "Wait"; readonly millis: number }
  | { readonly _tag: "Order"; readonly part: number; readonly order: string; readonly value: number }

/** What commands are made of. */
export interface Palette {
  readonly keys: ReadonlyArray<string | undefined>
  /** Times that matter to the subject, in milliseconds. */
  readonly times: ReadonlyArray<number>
  readonly errors: ReadonlyArray<unknown>
  /** The parts that take orders, by their place, and which. */
  readonly orders: ReadonlyArray<readonly [part: number, order: string]>
}

/** Work that nobody can interrupt takes at most so long. */
export const STUBBORN = 1_000

const LONGEST = 30
const STEPS = [0, 1, 2, 3, 5, 8, Infinity, Infinity]
const DOES: ReadonlyArray<Behaviour["does"]> = [
  "succeed",
  "succeed",
  "succeed",
  "fail",
  "fail",
  "fail",
  "die",
  "fail and die",
  "interrupt itself",
  "hang"
]

/** A random sequence. */
export const commandsOf = (random: Seeded, palette: Palette): ReadonlyArray<Command> =>
  Array.from({ length: random.integer(1, LONGEST) }, (_, id): Command => {
    const dice = random.next()
    if (dice < 0.55) return callOf(random, palette, id)
    if (dice < 0.8) return { _tag: "Wait", millis: timeOf(random, palette) }
    if (dice < 0.92 || palette.orders.length === 0) {
      return { _tag: "Interrupt", id: random.integer(0, id), steps: random.pick(STEPS) }
    }
    const [part, order] = random.pick(palette.orders)
    return { _tag: "Order", part, order, value: random.integer(0, 4) }
  })

/** Around the times that matter, exactly or not. */
const timeOf = (random: Seeded, { times }: Palette): number =>
  Math.max(0, Math.round(random.pick(times) * random.pick([0.5, 1, 1, 2])) + random.pick([-1, 0, 0, 1]))

const callOf = (random: Seeded, palette: Palette, id: number): Call => ({
  _tag: "Call",
  id,
  key: random.pick(palette.keys),
  remaining: random.next() < 0.1 ? timeOf(random, palette) : undefined,
  behaviours: [
    behaviourOf(random, palette),
    ...Array.from({ length: random.integer(0, 2) }, () => behaviourOf(random, palette))
  ],
  steps: random.pick(STEPS),
  isInterrupted: random.next() < 0.2
})

const behaviourOf = (random: Seeded, palette: Palette): Behaviour => ({
  does: random.pick(DOES),
  after: random.next() < 0.4 ? 0 : timeOf(random, palette),
  stubborn: random.next() < 0.8 ? 0 : random.integer(1, STUBBORN),
  error: random.pick(palette.errors)
})

/** A command in words. */
export const textOf = (command: Command, nameOf: (part: number) => string): string => {
  switch (command._tag) {
    case "Call":
      return `call ${command.id}${conditionsOf(command)}: ${command.behaviours.map(behaviourText).join(", then ")}`
    case "Interrupt":
      return `interrupt call ${command.id}`
    case "Wait":
      return `wait ${Duration.format(Duration.millis(command.millis))}`
    case "Order":
      return `${nameOf(command.part)}: ${command.order}${command.order === "resize" ? ` to ${command.value}` : ""}`
  }
}

const conditionsOf = ({ isInterrupted, key, remaining, steps }: Call): string => {
  const conditions = [
    ...(key === undefined ? [] : [`key "${key}"`]),
    ...(remaining === undefined ? [] : [`${remaining} ms to the caller's deadline`]),
    ...(steps === Infinity ? [] : [`${steps} steps`]),
    ...(isInterrupted ? ["then interrupted"] : [])
  ]
  return conditions.length === 0 ? "" : ` (${conditions.join(", ")})`
}

const behaviourText = ({ after, does, error, stubborn }: Behaviour): string => {
  const what = does.startsWith("fail") ? `${does} with ${Formatter.format(error)}` : does
  const when = after === 0 || does === "hang" ? "" : ` after ${after} ms`
  return `${what}${when}${stubborn === 0 ? "" : `, ${stubborn} ms to interrupt`}`
}
