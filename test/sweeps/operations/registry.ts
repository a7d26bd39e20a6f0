/**
 * Calls that find their policies by the name of a service.
 */
import { Context, Effect, Layer, Scope, Stream } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  Pipeline,
  Policy,
  ProtectedStream,
  Resilience,
  Retry,
  Timeout
} from "../../../src/index.ts"
import type { Operation } from "../../support/sweep.ts"
import { World } from "../../support/World.ts"
import * as Situation from "./situations.ts"

type Guarded = Effect.Effect<unknown, unknown, Policy.ResilienceRegistry>

const RESERVES = 10

const layer = Resilience.layer({
  deadline: 10_000,
  retry: { maxAttempts: 2, baseDelay: 10, jitter: "none", budget: Situation.budgetOf(RESERVES) },
  circuitBreaker: { consecutiveFailures: Situation.FAILURES, openDuration: Situation.OPEN_MILLIS },
  bulkhead: { maxConcurrent: 1, queueTimeout: 50 },
  timeout: 1_000
})

/** One registry for all runs, which take place one after the other: what one of them leaves behind, the next one meets. */
const context = new World().get(Effect.flatMap(Scope.make(), (scope) => Layer.buildWithScope(layer, scope)))
const registry = Context.get(context, Policy.ResilienceRegistry)
const TIME_OF_A_RUN = 100_000
let runs = 0

interface Row {
  readonly covers: string
  readonly name: string
  readonly script: ReadonlyArray<Situation.Step>
  readonly guard: (call: Effect.Effect<string, string>, service: string) => Guarded
  readonly key?: string
  readonly isQueued?: boolean
  readonly isHalfOpen?: boolean
}

const rowOf = ({ covers, guard, isHalfOpen = false, isQueued = false, key, name, script }: Row): Operation => {
  const service = `${covers}, ${name}`
  const breaker = registry.get(CircuitBreaker.Kind, service)!
  const bulkhead = registry.get(Bulkhead.Kind, service)!
  const retry = registry.get(Retry.Kind, service)!
  return {
    name: service,
    covers: [covers],
    isVariant: true,
    prepare: (world) => {
      world.now = ++runs * TIME_OF_A_RUN
      const others = new Situation.Others(world)
      const work = new Situation.Work(...script)
      if (isHalfOpen) Situation.openThenWait(world, breaker, key)
      if (isQueued) world.get(others.start(Effect.sleep(20).pipe(bulkhead.executeWith({ key }))))
      return {
        call: Effect.provideContext(guard(work.call, service), context),
        end: others.end,
        afterwards: () => {
          work.rests()
          if (breaker.snapshot(world.now).state === "Isolated") world.get(breaker.reset)
          Situation.hasFullCapacity(world, bulkhead, key)
          Situation.hasFullBudget(world, retry, RESERVES, key)
          Situation.decides(world, breaker, key)
        }
      }
    }
  }
}

const protectedAs =
  (options?: Resilience.PlainProtectOptions): Row["guard"] =>
  (call, service) =>
    Resilience.protect(call, service, options)

const instead = { fallback: () => Effect.as(Situation.yields(2), "instead") }

const commandRow = (pattern: string, command: string, parameters: object): Row => ({
  covers: "Resilience.command",
  name: `${command} of a ${pattern}`,
  script: ["up"],
  guard: (call, service) =>
    Effect.andThen(
      Resilience.command({ service, pattern, command, parameters, by: "alice" }),
      Effect.andThen(
        Effect.ignore(Resilience.protect(call, service)),
        Resilience.command({ service, pattern: "circuit-breaker", command: "reset", by: "alice" })
      )
    )
})

/** What reads all instances reads one here, as many would take long. */
const few = registry.get(Bulkhead.Kind, "few")!
const readers = {
  explain: Effect.asVoid(Resilience.explain("few")),
  isEnabled: Effect.asVoid(Resilience.isEnabled),
  snapshots: Effect.asVoid(Resilience.snapshots),
  status: Effect.asVoid(Resilience.status)
}

const rows: ReadonlyArray<Row> = [
  { covers: "Resilience.protect", name: "closed", script: ["up"], guard: protectedAs() },
  { covers: "Resilience.protect", name: "retried", script: ["down", "up"], guard: protectedAs() },
  {
    covers: "Resilience.protect",
    name: "with a key",
    script: ["down"],
    key: "tenant",
    guard: protectedAs({ key: "tenant" })
  },
  { covers: "Resilience.protect", name: "a probe", script: ["down"], isHalfOpen: true, guard: protectedAs() },
  { covers: "Resilience.protect", name: "in the queue", script: ["up"], isQueued: true, guard: protectedAs() },
  {
    covers: "Resilience.protect",
    name: "with a fallback",
    script: ["down"],
    guard: (call, service) => Resilience.protect(call, service, instead)
  },
  { covers: "Bulkhead.withBulkhead", name: "at once", script: ["up"], guard: Bulkhead.withBulkhead },
  {
    covers: "Bulkhead.withBulkhead",
    name: "in the queue",
    script: ["up"],
    isQueued: true,
    guard: Bulkhead.withBulkhead
  },
  {
    covers: "CircuitBreaker.withCircuitBreaker",
    name: "closed",
    script: ["down"],
    guard: CircuitBreaker.withCircuitBreaker
  },
  {
    covers: "CircuitBreaker.withCircuitBreaker",
    name: "half-open",
    script: ["up"],
    isHalfOpen: true,
    guard: CircuitBreaker.withCircuitBreaker
  },
  { covers: "Retry.withRetry", name: "with a wait", script: ["down", "up"], guard: Retry.withRetry },
  { covers: "Timeout.withTimeout", name: "by name", script: ["never"], guard: Timeout.withTimeout },
  { covers: "Deadline.withDeadline", name: "by name", script: ["never"], guard: Deadline.withDeadline },
  {
    covers: "ProtectedStream.protect",
    name: "by name",
    script: ["down", "up"],
    guard: (call, service) => Stream.runDrain(Stream.fromEffect(call).pipe(ProtectedStream.protect(service)))
  },
  {
    covers: "Resilience.pipeline",
    name: "then used",
    script: ["up"],
    guard: (call, service) => Effect.flatMap(Resilience.pipeline(service), (pipeline) => pipeline!.execute(call))
  },
  ...Object.entries(readers).map(([name, read]): Row => ({
    covers: `Resilience.${name}`,
    name: "then a call",
    script: ["up"],
    guard: (call, service) =>
      Effect.andThen(
        Effect.provideService(read, Policy.ResilienceRegistry, Situation.registryOf([few])),
        Resilience.protect(call, service)
      )
  })),
  ...(["events", "eventsWith"] as const).map((name): Row => ({
    covers: `Resilience.${name}`,
    name: "while a call fails",
    script: ["down"],
    guard: (call, service) =>
      Effect.raceFirst(
        Stream.runDrain(name === "events" ? Resilience.events : Resilience.eventsWith({ capacity: 2 })),
        Resilience.protect(call, service)
      )
  })),
  {
    covers: "Policy.subscribe",
    name: "while a call fails",
    script: ["down"],
    guard: (call, service) =>
      Effect.scoped(
        Effect.andThen(
          Policy.subscribe(() => {}),
          Effect.ignore(Resilience.protect(call, service))
        )
      )
  },
  commandRow("circuit-breaker", "trip", {}),
  commandRow("circuit-breaker", "isolate", { reason: "maintenance" }),
  commandRow("circuit-breaker", "set", { option: "consecutiveFailures", value: Situation.FAILURES }),
  commandRow("bulkhead", "resize", { limit: 1 })
]

/** The members of pipelines that a registry has made are those of any other. */
export const kinds: ReadonlyArray<Policy.Instance> = [...Object.values(Pipeline.order), Pipeline.Kind].map((kind) =>
  registry.get(kind as Policy.AnyKind, "kinds")!
)

export const operations: ReadonlyArray<Operation> = rows.map(rowOf)
