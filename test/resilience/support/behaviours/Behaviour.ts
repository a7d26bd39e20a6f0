import type { Effect } from "effect"
import type { Policy } from "../../../../src/index.ts"
import type { Env } from "../world.ts"

/** What the calls of a service show of one setting. */
export interface Behaviour {
  /** Other variables that are set meanwhile. */
  readonly given?: Env
  readonly run: Effect.Effect<unknown, never, Policy.ResilienceRegistry>
  /** What is seen for each text of the variable. */
  readonly seen: Readonly<Record<string, unknown>>
}

/** By the variable for all services. */
export type Behaviours = Readonly<Record<string, Behaviour>>
