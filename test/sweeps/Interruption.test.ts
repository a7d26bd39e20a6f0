/**
 * Every public operation of every policy, interrupted at each of its steps. A row that fails says where: "interrupted
 * suspended operation 12, yields after 5" can be repeated, as nothing in it is left to chance.
 */
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as library from "../../src/index.ts"
import { sweepOperation } from "../support/sweep.ts"
import { operations } from "./operations/all.ts"
import { kinds } from "./operations/registry.ts"

const total = { runs: 0, interrupted: 0 }

afterAll(() => {
  process.stdout.write(
    `interruption sweep: ${operations.length} operations, ${total.runs} runs, ${total.interrupted} interrupted\n`
  )
})

describe("wherever it is interrupted, nothing is left behind by", { timeout: 300_000 }, () => {
  it.each(operations.map((operation) => [operation.name, operation] as const))("%s", (_, operation) => {
    const { interrupted, operations, runs } = sweepOperation(operation)
    total.runs += runs
    total.interrupted += interrupted
    expect(interrupted).toBeGreaterThan(operations)
  })
})

const covered = new Set(operations.flatMap(({ covers }) => covers))

const isOperation = (value: unknown): boolean => typeof value === "function" || Effect.isEffect(value)

/** Members of instances that run nothing, or are not public. */
const SILENT = new Set([
  "describe",
  "snapshot",
  "worstState",
  "onTransition",
  "classify",
  "home",
  "obey",
  "circuitOf",
  "constructor"
])

/** The names of all members, those of the classes behind an instance included. */
const namesOf = (instance: object): ReadonlyArray<string> => {
  const prototype: unknown = Object.getPrototypeOf(instance)
  const inherited = typeof prototype === "object" && prototype !== null && prototype !== Object.prototype
  return [...Object.getOwnPropertyNames(instance), ...(inherited ? namesOf(prototype) : [])]
}

describe("no operation is missing", () => {
  const instances = [...kinds, library.Fallback.makeUnsafe(() => Effect.void)]
  it.each(instances.map((instance) => [instance.kind, instance] as const))("of a %s", (kind, instance) => {
    const members = namesOf(instance).filter((name) => !SILENT.has(name) && isOperation(Reflect.get(instance, name)))
    expect(members.length).toBeGreaterThan(0)
    expect(members.map((name) => `${kind}.${name}`).filter((member) => !covered.has(member))).toEqual([])
  })

  /** Functions of the modules that make something new, or compute something, and hold nothing. */
  const PURE = new Set([
    "make",
    "makeUnsafe",
    "makeCache",
    "inOrder",
    "schedule",

    "lint",
    "metrics",
    "layer",
    "layerEnv",
    "layerEnvWith",
    "layerObservers",
    "isInstance",
    "monotonicMillis",
    "monotonicMillisOf",
    "wallMillis",
    "isObserved",
    "emission",
    "emit",
    "tell",
    "registryOf",
    "snapshot",
    "instanceOf",
    "withInstance",
    "apply"
  ])
  const {
    Bulkhead,
    CircuitBreaker,
    Deadline,
    Fallback,
    Pipeline,
    Policy,
    ProtectedStream,
    Resilience,
    Retry,
    Timeout
  } = library
  const modules = {
    Bulkhead,
    CircuitBreaker,
    Deadline,
    Fallback,
    Pipeline,
    Policy,
    ProtectedStream,
    Resilience,
    Retry,
    Timeout
  }
  it.each(Object.entries(modules))("of the module %s", (module, exports) => {
    const missing = Object.entries(exports)
      .filter(
        ([name, value]) =>
          /^[a-z]/.test(name) && isOperation(value) && !PURE.has(name) && !(module === "Pipeline" && name === "explain")
      )
      .map(([name]) => `${module}.${name}`)
      .filter((name) => !covered.has(name))
    expect(missing).toEqual([])
  })

  it("names only what there is", () => {
    const members = instances.flatMap((instance) => namesOf(instance).map((name) => `${instance.kind}.${name}`))
    const exported = Object.entries(modules).flatMap(([module, exports]) =>
      Object.keys(exports).map((name) => `${module}.${name}`)
    )
    const known = new Set([...members, ...exported])
    expect([...covered].filter((name) => !known.has(name))).toEqual([])
  })
})
