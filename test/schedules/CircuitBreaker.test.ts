/**
 * All small programs on one circuit, in every order in which their fibers can take their turns.
 */
import { describe } from "@effect/vitest"
import { CircuitBreaker } from "../../src/index.ts"
import type * as NaiveBreaker from "../models/NaiveBreaker.ts"
import type { Program, Tools } from "../support/schedules.ts"
import * as Situation from "../sweeps/operations/situations.ts"
import { BreakerTwin } from "./BreakerTwin.ts"
import { exploreAll } from "./explorations.ts"
import * as Programs from "./programs.ts"

const PROBES = 2

const settings: Omit<NaiveBreaker.Settings, "tripPolicy"> = {
  openMillis: Programs.MILLIS,
  openFactor: 1,
  openMaxMillis: Programs.MILLIS,
  openJitter: 0,
  hintMaxMillis: 0,
  probes: PROBES,
  successesToClose: PROBES,
  probeMillis: 2 * Programs.MILLIS
}

const options = {
  openDuration: Programs.MILLIS,
  probes: PROBES,
  successesToClose: PROBES,
  probeTimeout: 2 * Programs.MILLIS
}

/** A breaker, and what the naive one knows of it. */
interface Kind {
  readonly name: string
  readonly make: () => CircuitBreaker.CircuitBreaker
  readonly settings: NaiveBreaker.Settings
  readonly slowMillis: number
  /** For which CI has time. */
  readonly largest: Programs.Size
}

const twoFailures: Kind = {
  name: "that opens after two failures in a row",
  make: Situation.maker(CircuitBreaker.Kind, { ...options, consecutiveFailures: 2 }),
  settings: { ...settings, tripPolicy: { kind: "consecutive", failures: 2 } },
  slowMillis: Infinity,
  largest: { fibers: 3, steps: 3 }
}

const RATE = 0.6
const twoOfThree: Kind = {
  name: "that opens when two of three calls are bad or slow",
  make: Situation.maker(CircuitBreaker.Kind, {
    ...options,
    tripPolicy: "count-window",
    windowSize: 3,
    minimumCalls: 2,
    failureRate: RATE,
    slowCallDuration: Programs.MILLIS / 2,
    slowCallRate: RATE
  }),
  settings: {
    ...settings,
    tripPolicy: {
      kind: "rate",
      window: { kind: "count", size: 3 },
      minimumCalls: 2,
      failureRate: RATE,
      slowCallRate: RATE
    }
  },
  slowMillis: Programs.MILLIS / 2,
  largest: { fibers: 3, steps: 2 }
}

type Start = "closed" | "about to be half-open"

const programs =
  ({ make, settings, slowMillis }: Kind, start: Start, size: Programs.Size) =>
  (tools: Tools): Program => {
    const { world } = tools
    const twin = new BreakerTwin(world, make(), settings, slowMillis)
    if (start !== "closed") {
      world.run(twin.commands.trip)
      world.pass(Programs.MILLIS)
    }
    return Programs.all(tools, twin, size)
  }

for (const kind of [twoFailures, twoOfThree]) {
  for (const start of ["closed", "about to be half-open"] as const) {
    const name = `a circuit ${kind.name}, ${start}`
    describe(`${name}, does what it must`, { timeout: 3_600_000 }, () => {
      exploreAll(name, (size) => programs(kind, start, size), kind.largest)
    })
  }
}
