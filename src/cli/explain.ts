/**
 * `explain` and `lint`: what the policies around a service do, and what is harmful about them.
 *
 * **Details**
 *
 * Where an address is given, the running application is asked, whose code may say more than the environment. Where none is,
 * the environment alone is read.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Pipeline from "../policy/Pipeline.ts"
import type * as Policy from "../policy/Policy.ts"
import { SWITCHED_OFF } from "../resilience/internal/Command.ts"
import * as Resilience from "../resilience/Resilience.ts"
import { ask, isSwitchedOff, Url } from "./application.ts"
import { envFile, mistakesIn, variables } from "./environment.ts"
import { effective } from "./internal/effective.ts"
import * as Findings from "./internal/findings.ts"
import { Failure, found } from "./internal/Failure.ts"
import { visible } from "./internal/paint.ts"
import { print, reporting, warn } from "./output.ts"

/** `explain` */
export const explain = Command.make(
  "explain",
  { service: Argument.String("service").pipe(Argument.withDescription("The service")), envFile },
  ({ envFile, service }) =>
    reporting(
      Effect.gen(function* () {
        const source = yield* sourceOf(envFile)
        const explanation = yield* source.explain(service)
        if (yield* source.isOff) yield* warn(SWITCHED_OFF)
        yield* print(
          () => visible(explanation.text),
          () => ({ service, ...explanation })
        )
      })
    )
).pipe(
  Command.withDescription(
    "Explains the policies around a service: their order, the most attempts and the longest time of a call"
  ),
  Command.withExamples([
    { command: "effect-resilience explain llm", description: "As this environment configures it" },
    { command: "effect-resilience explain llm --url http://127.0.0.1:9090", description: "As it runs" }
  ])
)

/** `lint` */
export const lint = Command.make(
  "lint",
  {
    services: Argument.String("service").pipe(
      Argument.variadic(),
      Argument.withDescription("Services to look at; all by default")
    ),
    envFile
  },
  ({ envFile, services }) =>
    reporting(
      Effect.gen(function* () {
        const source = yield* sourceOf(envFile)
        const names = services.length === 0 ? yield* source.services : services
        const all = yield* Effect.forEach(names, (service) =>
          Effect.map(source.explain(service), ({ findings }): Findings.Findings => ({ service, findings }))
        )
        if (yield* source.isOff) yield* warn(SWITCHED_OFF)
        yield* print(
          (paint) => Findings.text(all, paint),
          () => all
        )
        if (all.some(({ findings }) => findings.length > 0)) return yield* found
      })
    )
).pipe(Command.withDescription("Names what is harmful about the policies of services, and why"))

/** The application if somebody said where it is, the environment otherwise. */
const sourceOf = (file: Option.Option<string>) =>
  Effect.gen(function* () {
    if (Option.isSome(yield* Url)) return application
    const read = yield* variables(file)
    const { mistakes } = mistakesIn(read)
    if (mistakes.length > 0) {
      return yield* new Failure({
        reason: "finding",
        problem: ["the configuration is wrong", ...mistakes].join("\n  ")
      })
    }
    return environmentOf(read)
  })

const application = {
  isOff: isSwitchedOff,
  services: Effect.map(
    ask((client) => client.status()),
    (all) => [...new Set(all.map(({ service }) => service))]
  ),
  explain: (service: string) => ask((client) => client.explain({ params: { service } }))
}

/** The policies that an application would make. */
const environmentOf = (variables: ReadonlyMap<string, string>) => {
  const provider = ConfigProvider.fromEnv({ env: Object.fromEntries(variables) })
  const explanationOf = (service: string) =>
    Effect.gen(function* () {
      const pipeline = yield* Resilience.pipeline(service)
      const findings = pipeline === undefined ? [] : Pipeline.lint(pipeline)
      return {
        text: yield* Resilience.explain(service),
        findings: findings.map(({ message, rule, severity }) => ({ rule, severity, problem: message }))
      }
    })
  const applied = <A, E>(effect: Effect.Effect<A, E, Policy.ResilienceRegistry>) =>
    effect.pipe(
      Effect.provide(Resilience.layerEnv),
      // What the application would log at its start is no part of the answer.
      Effect.provide(Logger.layer([])),
      Effect.provideService(ConfigProvider.ConfigProvider, provider),
      Effect.orDie
    )
  return {
    isOff: applied(Effect.map(Resilience.isEnabled, (isEnabled) => !isEnabled)),
    services: Effect.succeed(effective(variables).services.flatMap(({ service }) => service ?? [])),
    explain: (service: string) => applied(explanationOf(service))
  }
}
