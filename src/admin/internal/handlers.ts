/**
 * The answers of the API.
 */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Stream from "effect/Stream"
import { nearest } from "../../policy/internal/nearest.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import * as Policy from "../../policy/Policy.ts"
import { SWITCHED_OFF } from "../../resilience/internal/Command.ts"
import * as Resilience from "../../resilience/Resilience.ts"
import {
  Api,
  BadCommand,
  type Command,
  type Explanation,
  NotFound,
  type Request,
  type Status,
  type Switches
} from "../Api.ts"
import * as EventStreams from "./EventStreams.ts"
import { jsonSchemaOf } from "./jsonSchema.ts"
import * as Parameters from "./parameters.ts"
import { plainFields } from "./plain.ts"
import type { Settings } from "./Settings.ts"

/** The handlers of all endpoints. */
export const layer = (settings: Settings, streams: EventStreams.EventStreams) =>
  HttpApiBuilder.group(
    Api,
    "resilience",
    Effect.fnUntraced(function* (handlers) {
      const context = yield* Effect.context<Policy.ResilienceRegistry>()
      return handlers.handleAll({
        status: () => Effect.provideContext(status, context),
        statusOf: ({ params }) => Effect.provideContext(statusOf(params.service), context),
        switches: () => Effect.provideContext(switches, context),
        explain: ({ params }) => Effect.provideContext(explain(params.service), context),
        events: ({ query }) =>
          Effect.as(
            EventStreams.enter(streams, settings),
            HttpServerResponse.stream(Stream.provideContext(EventStreams.stream(streams, settings, query), context), {
              contentType: "text/event-stream"
            })
          ),
        commands: () => Effect.succeed(commands),
        command: ({ payload }) => Effect.provideContext(command(payload), context)
      })
    })
  )

const status: Effect.Effect<ReadonlyArray<Status>, never, Policy.ResilienceRegistry> = Effect.map(
  Resilience.status,
  (all) => all.map((one) => ({ ...one, snapshot: plainFields(one.snapshot) }))
)

const statusOf = (service: string) =>
  Effect.andThen(
    known(service),
    Effect.map(status, (all) => all.filter((one) => one.service === service))
  )

const switches: Effect.Effect<Switches, never, Policy.ResilienceRegistry> = Effect.map(
  Resilience.isEnabled,
  (enabled) => ({ enabled })
)

const explain = (service: string): Effect.Effect<Explanation, NotFound, Policy.ResilienceRegistry> =>
  Effect.gen(function* () {
    yield* known(service)
    const pipeline = yield* Resilience.pipeline(service)
    const findings = pipeline === undefined ? [] : Pipeline.lint(pipeline)
    return {
      text: yield* Resilience.explain(service),
      findings: findings.map(({ message, rule, severity }) => ({ rule, severity, problem: message }))
    }
  })

/** Asked first, because a service that is asked for by a misspelt name would be made. */
const known = (service: string): Effect.Effect<void, NotFound, Policy.ResilienceRegistry> =>
  Policy.ResilienceRegistry.use((registry) => {
    if (registry.enabled === false) return Effect.fail(new NotFound({ problem: SWITCHED_OFF }))
    const names = [...new Set(registry.instances().map((instance) => instance.service))].toSorted()
    if (names.includes(service)) return Effect.void
    const guess = nearest(service, names)
    const hint = guess === undefined ? `known: ${names.join(", ") || "none"}` : `did you mean "${guess}"?`
    return Effect.fail(new NotFound({ problem: `no service is called "${service}" (${hint})` }))
  })

const commands: ReadonlyArray<Command> = Resilience.commands.map(({ parameters, ...command }) => ({
  ...command,
  parameters: jsonSchemaOf(parameters.fields)
}))

const command = (request: Request) =>
  Effect.flatMap(Effect.fromResult(Parameters.understand(request)), (understood) =>
    Effect.mapError(Resilience.command(understood), ({ problem, reason }) =>
      reason === "wrong-parameters" ? new BadCommand({ reason, problem }) : new NotFound({ problem })
    )
  )
