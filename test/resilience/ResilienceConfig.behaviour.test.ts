import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, type Schema } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  type Pipeline,
  Resilience,
  type ResilienceConfig,
  Retry,
  Timeout
} from "../../src/index.ts"
import * as Fields from "../../src/policy/internal/options.ts"
import * as Variables from "../../src/resilience/internal/variables.ts"
import type { Behaviour, Behaviours } from "./support/behaviours/Behaviour.ts"
import { bulkhead } from "./support/behaviours/bulkhead.ts"
import { circuitBreaker } from "./support/behaviours/circuitBreaker.ts"
import { limits } from "./support/behaviours/limits.ts"
import { retry } from "./support/behaviours/retry.ts"
import { inWorld, SERVICE } from "./support/world.ts"

/** Anything at all: with `enabled: false`, nothing is limited. */
const anyProtection: Behaviour = {
  run: Effect.void.pipe(
    Resilience.protect(SERVICE),
    Effect.orDie,
    Effect.andThen(Resilience.snapshots),
    Effect.map((snapshots) => snapshots.length > 0)
  ),
  seen: { true: true, false: false }
}

const strangers: Behaviour = {
  run: Effect.void.pipe(
    Resilience.protect("stranger"),
    Effect.exit,
    Effect.map((exit) => (Exit.isSuccess(exit) ? "passed" : String(Cause.squash(exit.cause))))
  ),
  seen: {
    true: `Error: effect-resilience: no service called "stranger" is declared; declared are ${SERVICE}`,
    false: "passed"
  }
}

const ofOnePattern: Behaviours = { ...retry, ...circuitBreaker, ...bulkhead, ...limits }
const behaviours: Behaviours = { ...ofOnePattern, RESILIENCE_ENABLED: anyProtection, RESILIENCE_STRICT: strangers }

/** How a behaviour is for each text of its variable. */
const seenWith = (behaviour: Behaviour, worldFor: (text: string) => Parameters<typeof inWorld>[1]) =>
  Effect.map(
    Effect.forEach(Object.keys(behaviour.seen), (text) =>
      Effect.map(inWorld(behaviour.run, worldFor(text)), (seen) => [text, seen] as const)
    ),
    Object.fromEntries
  )

/** `RETRY_BUDGET_RATIO` as `{ retry: { budget: { ratio: 0.5 } } }`, `RETRY_ENABLED` as `{ retry: {} }` or `{ retry: false }`. */
const literalOf = (name: string, text: string): ResilienceConfig.PatternsInput => {
  const { path, parse, slot } = Variables.meaningOf(name)!.variable
  const parsed = parse(text)
  const value = path.length === 0 && parsed === true ? {} : parsed
  return [slot, ...path].reduceRight<unknown>((value, key) => ({ [key]: value }), value) as never
}

const each = Object.entries(ofOnePattern).map(([name, behaviour]) => ({ name, behaviour }))
/** In a literal, "none" is what a jitter that is switched off is called. */
const eachOption = each.filter(({ name }) => !name.endsWith("_JITTER"))

describe("every setting changes what calls show", () => {
  it("every variable has a behaviour that shows it", () => {
    expect(Object.keys(behaviours).toSorted()).toEqual(Variables.namesFor([]).toSorted())
  })

  it("every behaviour differs between the values of its variable", () => {
    for (const [name, { seen }] of Object.entries(behaviours)) {
      const different = new Set(Object.values(seen).map((value) => JSON.stringify(value)))
      expect([name, different.size]).toEqual([name, Object.keys(seen).length])
    }
  })

  it.effect.each(each)("$name sets it for all services", ({ behaviour, name }) =>
    Effect.gen(function* () {
      const seen = yield* seenWith(behaviour, (text) => ({ env: { ...behaviour.given, [name]: text } }))
      expect(seen).toEqual(behaviour.seen)
    })
  )

  it.effect.each(each)("$name with a service in it sets it for that service only", ({ behaviour, name }) =>
    Effect.gen(function* () {
      const { variable } = Variables.meaningOf(name)!
      const own = (service: string) => Variables.nameOf({ variable, service: Variables.toVariable(service) })
      const seen = yield* seenWith(behaviour, (text) => ({ env: { ...behaviour.given, [own(SERVICE)]: text } }))
      expect(seen).toEqual(behaviour.seen)
      const untouched = yield* inWorld(behaviour.run, { env: behaviour.given ?? {} })
      const others = yield* seenWith(behaviour, (text) => ({ env: { ...behaviour.given, [own("other")]: text } }))
      for (const seen of Object.values(others)) expect(seen).toEqual(untouched)
    })
  )

  it.effect.each(eachOption)("the option of $name sets it in a literal", ({ behaviour, name }) =>
    Effect.gen(function* () {
      const env = behaviour.given ?? {}
      const forAll = yield* seenWith(behaviour, (text) => ({ env, config: literalOf(name, text) }))
      expect(forAll).toEqual(behaviour.seen)
      const forOne = yield* seenWith(behaviour, (text) => ({
        env,
        config: { services: { [SERVICE]: literalOf(name, text) } }
      }))
      expect(forOne).toEqual(behaviour.seen)
    })
  )

  it.effect("RESILIENCE_ENABLED, and `enabled`, switch everything on and off", () =>
    Effect.gen(function* () {
      const byVariable = yield* seenWith(anyProtection, (text) => ({ env: { RESILIENCE_ENABLED: text } }))
      expect(byVariable).toEqual(anyProtection.seen)
      const byLiteral = yield* seenWith(anyProtection, (text) => ({ config: { enabled: text === "true" } }))
      expect(byLiteral).toEqual(anyProtection.seen)
    })
  )

  it.effect("RESILIENCE_STRICT, and `strict`, refuse services that are not declared", () =>
    Effect.gen(function* () {
      const services = { [SERVICE]: {} }
      const byVariable = yield* seenWith(strangers, (text) => ({
        config: { services },
        env: { RESILIENCE_STRICT: text }
      }))
      expect(byVariable).toEqual(strangers.seen)
      const byLiteral = yield* seenWith(strangers, (text) => ({ config: { services, strict: text === "true" } }))
      expect(byLiteral).toEqual(strangers.seen)
    })
  )
})

describe("every option has a variable", () => {
  type Options = Readonly<Record<string, Schema.Constraint>>
  const leaves = (fields: Options): ReadonlyArray<string> =>
    Object.entries(fields).flatMap(([name, field]) => {
      const { group } = Fields.aboutOf(field)
      return group === undefined ? [name] : leaves(group.fields).map((leaf) => `${name}.${leaf}`)
    })

  const schemas: Record<Pipeline.Slot, { readonly fields: Options }> = {
    deadline: Deadline.Options,
    retry: Retry.Options,
    circuitBreaker: CircuitBreaker.Options,
    bulkhead: Bulkhead.Options,
    timeout: Timeout.Options
  }

  it.each(Object.entries(schemas))("of %s", (slot, { fields }) => {
    const paths = Variables.namesFor([])
      .map((name) => Variables.meaningOf(name)?.variable)
      .filter((variable) => variable?.slot === slot && variable.path.length > 0)
      .map((variable) => variable!.path.join("."))
    expect([...new Set(paths)].toSorted()).toEqual(leaves(fields).toSorted())
  })
})
