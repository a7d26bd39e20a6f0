/**
 * What operators can do: `reset`, `trip`, `isolate`, `release`, `set`.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Api } from "../admin/index.ts"
import { ask } from "./application.ts"
import { commandFor } from "./internal/setting.ts"
import * as StatusTable from "./internal/statusTable.ts"
import { by, nameOf } from "./operator.ts"
import { print, reporting, warn } from "./output.ts"

const service = Argument.String("service").pipe(Argument.withDescription("The service"))

/** Runs a command, and shows what has become of the service: others may have a say in it too. */
const run = (request: Api.Request) =>
  Effect.gen(function* () {
    yield* ask((client) => client.command({ payload: request }))
    const status = yield* ask((client) => client.statusOf({ params: { service: request.service } }))
    yield* print(
      (paint) => StatusTable.overview(status, paint).join("\n"),
      () => ({ request, status })
    )
  })

const circuit = (
  service: string,
  command: string,
  by: Option.Option<string>,
  parameters: Api.Request["parameters"] = {}
) =>
  reporting(Effect.flatMap(nameOf(by), (by) => run({ service, pattern: "circuit-breaker", command, parameters, by })))

/** `reset` */
export const reset = Command.make("reset", { service, by }, ({ by, service }) => circuit(service, "reset", by)).pipe(
  Command.withDescription(
    "Closes the circuit of a service and forgets the failures; what others isolate stays isolated"
  )
)

/** `trip` */
export const trip = Command.make("trip", { service, by }, ({ by, service }) => circuit(service, "trip", by)).pipe(
  Command.withDescription("Opens the circuit of a service for its open time")
)

/** `isolate` */
export const isolate = Command.make(
  "isolate",
  {
    service,
    duration: Flag.String("for").pipe(
      Flag.optional,
      Flag.withDescription('For how long, such as "10 minutes"; a bare number is seconds. Without it, until released')
    ),
    reason: Flag.String("reason").pipe(Flag.optional, Flag.withDescription("Why, for the others")),
    by
  },
  ({ by, duration, reason, service }) =>
    circuit(service, "isolate", by, {
      ...Option.match(duration, { onNone: () => ({}), onSome: (duration) => ({ duration }) }),
      ...Option.match(reason, { onNone: () => ({}), onSome: (reason) => ({ reason }) })
    })
).pipe(
  Command.withDescription("Opens the circuit of a service until its time is over, or it is released or reset"),
  Command.withExamples([
    {
      command: 'effect-resilience isolate llm --for "10 minutes" --reason "maintenance of the provider"',
      description: "Nobody calls the provider for a while"
    }
  ])
)

/** `release` */
export const release = Command.make("release", { service, by }, ({ by, service }) =>
  reporting(
    Effect.gen(function* () {
      const name = yield* nameOf(by)
      const operators = isolating(yield* ask((client) => client.statusOf({ params: { service } })))
      if (!operators.includes(name)) yield* warn(nothingToRelease(service, name, operators))
      yield* run({ service, pattern: "circuit-breaker", command: "release", by: name })
    })
  )
).pipe(Command.withDescription("Ends your own isolation of the circuit of a service"))

/** Who isolates the circuit of a service. */
const isolating = (status: ReadonlyArray<Api.Status>): ReadonlyArray<string> =>
  status.flatMap(({ snapshot: { isolations } }) =>
    (Array.isArray(isolations) ? isolations : []).map((isolation) => String(Object(isolation).by))
  )

const nothingToRelease = (service: string, name: string, operators: ReadonlyArray<string>): string => {
  const others = operators.map(shown).join(", ")
  const nothing = `${shown(name)} does not isolate ${service}, so there is nothing to release`
  return operators.length === 0
    ? `${nothing}: it is not isolated`
    : `${nothing}: it is isolated by ${others} (--by releases in their names)`
}

const shown = (operator: string): string => operator || "somebody without a name"

/** `set` */
export const set = Command.make(
  "set",
  {
    service,
    option: Argument.String("option").pipe(
      Argument.withMetavar("pattern.option"),
      Argument.withDescription('What to change, such as "bulkhead.limit"')
    ),
    value: Argument.String("value").pipe(
      Argument.withDescription("What it shall be; of a duration, a bare number is seconds")
    ),
    by
  },
  ({ by, option, service, value }) =>
    reporting(
      Effect.gen(function* () {
        const name = yield* nameOf(by)
        const command = yield* Effect.fromResult(commandFor(yield* ask((client) => client.commands()), option, value))
        yield* run({ service, ...command, by: name })
      })
    )
).pipe(
  Command.withDescription("Changes an option of a service while the application runs"),
  Command.withExamples([
    { command: "effect-resilience set llm bulkhead.limit 20", description: "More calls at once" },
    {
      command: "effect-resilience set llm circuit-breaker.mode observe",
      description: "The breaker only says what it would do"
    }
  ])
)
