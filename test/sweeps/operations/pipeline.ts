/**
 * Calls through a pipeline that has every part.
 */
import { Effect, Fiber } from "effect"
import { Bulkhead, CircuitBreaker, Deadline, Pipeline, Retry, Timeout } from "../../../src/index.ts"
import { type Operation, same } from "../../support/sweep.ts"
import * as Situation from "./situations.ts"

interface Start {
  readonly name: string
  readonly script: ReadonlyArray<Situation.Step>
  readonly isHalfOpen?: boolean
  readonly isQueued?: boolean
  readonly key?: string
  readonly queueTimeout?: number
  /** Much like another one. */
  readonly isVariant?: boolean
  readonly answer?: "at once" | "late" | "none"
}

const starts: ReadonlyArray<Start> = [
  { name: "closed, and the call succeeds", script: ["up"] },
  { name: "closed, and the call fails and has no fallback", script: ["down"], answer: "none", isVariant: true },
  { name: "closed, and the call dies", script: ["bug"], isVariant: true },
  { name: "closed, and the call interrupts itself", script: ["interrupt"], isVariant: true },
  { name: "closed, and the call is retried", script: ["down", "up"] },
  { name: "closed, and the circuit opens under the call, which the fallback answers", script: ["down"] },
  { name: "closed, and the fallback takes its time", script: ["down"], answer: "late", isVariant: true },
  { name: "closed, and an attempt times out", script: [5_000, "up"], isVariant: true },
  { name: "closed, and the deadline passes", script: ["never"], isVariant: true },
  { name: "half-open, and the probe succeeds", script: ["up"], isHalfOpen: true },
  { name: "half-open, and the probe fails", script: ["down"], isHalfOpen: true },
  { name: "half-open, and the probe times out", script: ["never"], isHalfOpen: true, isVariant: true },
  {
    name: "half-open, and the probe interrupts itself",
    script: ["interrupt", "up"],
    isHalfOpen: true,
    isVariant: true
  },
  { name: "closed, and the call queues", script: ["up"], isQueued: true },
  { name: "closed, and the call queues until its time is over", script: ["up"], isQueued: true, queueTimeout: 1 },
  {
    name: "closed, and the call queues until the deadline",
    script: ["up"],
    isQueued: true,
    queueTimeout: 1e6,
    isVariant: true
  },
  { name: "half-open, and the probe queues", script: ["up"], isHalfOpen: true, isQueued: true },
  {
    name: "half-open, and the probe queues and fails",
    script: ["down"],
    isHalfOpen: true,
    isQueued: true,
    isVariant: true
  },
  { name: "closed, and the call has a key and is retried", script: ["down", "up"], key: "tenant" },
  { name: "half-open, and the probe has a key", script: ["up"], key: "tenant", isHalfOpen: true, isVariant: true }
]

const answers = {
  "at once": Effect.succeed("instead"),
  late: Effect.as(Effect.sleep(10), "instead"),
  none: Effect.fail("none")
}

/** Far from each other, so that it is clear which of them is over first. */
const DEADLINE = 10_000
const TIMEOUT = 2_000
/** Longer than the call waits for its turn. */
const HOLD = 100
const RESERVES = 10

const partsOf = (queueTimeout: number) => ({
  deadline: Situation.maker(Deadline.Kind, { duration: DEADLINE }),
  retry: Situation.maker(Retry.Kind, {
    maxAttempts: 3,
    baseDelay: 10,
    jitter: "none",
    budget: Situation.budgetOf(RESERVES)
  }),
  circuitBreaker: Situation.maker(CircuitBreaker.Kind, {
    consecutiveFailures: Situation.FAILURES,
    openDuration: Situation.OPEN_MILLIS,
    probeTimeout: "1 hour"
  }),
  bulkhead: Situation.maker(Bulkhead.Kind, { maxConcurrent: 2, queueTimeout }),
  timeout: Situation.maker(Timeout.Kind, { duration: TIMEOUT })
})

const rowOf = (start: Start): Operation => {
  const { answer = "at once", isHalfOpen = false, isQueued = false, key, name, queueTimeout = 500, script } = start
  const parts = partsOf(queueTimeout)
  return {
    name: `pipeline, ${name}`,
    isVariant: start.isVariant ?? false,
    covers: [key === undefined ? "pipeline.execute" : "pipeline.executeWith"],
    prepare: (world) => {
      const work = new Situation.Work(...script)
      const pipeline = Pipeline.makeUnsafe({
        fallback: () => answers[answer],
        deadline: parts.deadline(),
        retry: parts.retry(),
        circuitBreaker: parts.circuitBreaker(),
        bulkhead: parts.bulkhead(),
        timeout: parts.timeout()
      })
      const [, , retry, breaker, bulkhead] = pipeline.parts
      if (isHalfOpen) Situation.openThenWait(world, breaker, key)
      const hold = Effect.sleep(queueTimeout > DEADLINE ? 2 * DEADLINE : HOLD).pipe(bulkhead.executeWith({ key }))
      const holders = isQueued ? [world.fork(hold), world.fork(hold)] : []
      return {
        call: work.call.pipe(key === undefined ? pipeline.execute : pipeline.executeWith({ key })),
        end: Fiber.interruptAll(holders),
        whenEnded: () => work.rests(),
        afterwards: (exit) => {
          Situation.hasFullCapacity(world, bulkhead, key)
          const { failures, interrupted, successes } = pipeline.snapshot(world.now)
          Situation.countsOnce({ successes, others: failures + interrupted }, work.begun, exit)
          const { retries } = retry.snapshot(world.now)
          same("attempts that begin are no more than are counted", work.begun <= retries + 1, true)
          Situation.hasFullBudget(world, retry, RESERVES, key)
          Situation.decides(world, breaker, key)
        }
      }
    }
  }
}

export const operations: ReadonlyArray<Operation> = starts.map(rowOf)
