/**
 * What operators can do to running policies: the commands that each pattern declares. Each is told as an event.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { command } from "../../policy/internal/commands.ts"
import { nearest } from "../../policy/internal/nearest.ts"
import * as Fields from "../../policy/internal/options.ts"
import * as Policy from "../../policy/Policy.ts"
import { withTraits } from "../../policy/ResilienceError.ts"
import { kinds } from "./Registry.ts"
import { DEEPEST } from "./variables.ts"

/** A command that cannot be run: `problem` says what is wrong with it, and what would be right. */
export class CommandError extends withTraits({
  errorCode: "resilience.command",
  httpStatus: 400,
  category: "client_error",
  retryPolicy: "never",
  userMessage: "The command cannot be run."
}) {
  readonly _tag = "CommandError"
  readonly reason: "unknown-pattern" | "unknown-command" | "unknown-service" | "wrong-parameters"
  readonly problem: string
  constructor(fields: Pick<CommandError, "problem" | "reason" | "service">) {
    super(fields.service, undefined)
    this.reason = fields.reason
    this.problem = fields.problem
  }
  get message(): string {
    return this.problem
  }
}

/** A command for the policy of a service. */
export interface Request {
  readonly service: string
  /** "circuit-breaker" */
  readonly pattern: string
  /** "isolate" */
  readonly command: string
  readonly parameters?: object | undefined
  /** Who gives it; isolations are counted by operator. */
  readonly by?: string | undefined
}

/** What can be commanded. */
export interface Command {
  readonly pattern: string
  readonly name: string
  readonly description: string
  readonly parameters: Policy.Command<Policy.Instance>["parameters"]
}

/** The options with one of them changed; a dot leads into a group. */
const changesOf = (options: object, [name = "", ...path]: ReadonlyArray<string>, value: unknown): object => {
  if (path.length === 0) return { [name]: value }
  const group: unknown = Reflect.get(options, name)
  const inner = typeof group === "object" && group !== null ? group : {}
  return { [name]: { ...inner, ...changesOf(inner, path, value) } }
}

const set = command({
  name: "set",
  description: "Changes an option while it runs; what was counted, and who runs or waits, stays",
  parameters: {
    option: Schema.NonEmptyString.pipe(
      Schema.annotateKey({ description: 'As in code, such as "maxAttempts"; a dot leads into a group' })
    ),
    value: Schema.Unknown.pipe(
      Schema.annotateKey({ description: 'What it shall be; a duration with its unit, such as "5 seconds"' })
    )
  },
  run: (instance: Policy.Instance & Policy.Reconfigurable<object>, { option, value }) => {
    const path = option.split(".")
    return path.length > DEEPEST
      ? Effect.die(new Error(`set: option: expected at most ${DEEPEST} names with dots between, got ${path.length}`))
      : instance.reconfigure(changesOf(instance.options, path, value))
  }
}) as Policy.Command<Policy.Instance>

const commandsOf = ({ commands, fixed }: Policy.AnyKind) => (fixed === undefined ? commands : [...commands, set])

/** Why no service is known where everything is switched off. */
export const SWITCHED_OFF = "everything is switched off (RESILIENCE_ENABLED=false, or `enabled: false` in code)"

/** All commands of all patterns. */
export const commands: ReadonlyArray<Command> = kinds.flatMap((kind) =>
  commandsOf(kind).map(({ description, name, parameters }) => ({ pattern: kind.id, name, description, parameters }))
)

/**
 * Runs a command.
 *
 * **Details**
 *
 * It runs on the instance of the service, which must be in use or declared: a misspelt name makes no new one. An event tells
 * of it, with the operator and the parameters.
 */
export const run = (request: Request): Effect.Effect<void, CommandError, Policy.ResilienceRegistry> =>
  Effect.flatMap(Policy.ResilienceRegistry, (registry) =>
    Effect.flatMap(Effect.fromResult(prepare(registry, request)), ({ instance, run, parameters }) =>
      Effect.andThen(
        Effect.catchDefect(run.run(instance, parameters, request.by ?? ""), (defect) =>
          Effect.fail(
            new CommandError({ service: request.service, reason: "wrong-parameters", problem: problemOf(defect) })
          )
        ),
        Effect.withFiber((fiber) => Effect.sync(() => Policy.emit(fiber, registry.observe, eventOf(request))))
      )
    )
  )

/** What a policy throws at wrong options is a sentence for people. */
const problemOf = (defect: unknown): string => (defect instanceof Error ? defect.message : String(defect))

const prepare = (
  registry: Policy.ResilienceRegistry["Service"],
  { command, parameters = {}, pattern, service }: Request
) => {
  const kind = kinds.find(({ id }) => id === pattern)
  if (kind === undefined) {
    return unknown(service, "unknown-pattern", "pattern", pattern, [...new Set(commands.map(({ pattern }) => pattern))])
  }
  const run = commandsOf(kind).find(({ name }) => name === command)
  if (run === undefined) {
    const names = commandsOf(kind).map(({ name }) => name)
    return unknown(service, "unknown-command", `command of the pattern ${pattern}`, command, names)
  }
  const instances = registry.instances().filter((instance) => instance.kind === pattern)
  const instance = instances.find((instance) => instance.service === service)
  if (instance === undefined) {
    if (registry.enabled === false) {
      return Result.fail(new CommandError({ service, reason: "unknown-service", problem: SWITCHED_OFF }))
    }
    const services = instances.map(({ service }) => service)
    return unknown(service, "unknown-service", `service with the pattern ${pattern}`, service, services)
  }
  return Result.mapBoth(decode(run.parameters, parameters), {
    onSuccess: (decoded) => ({ run, instance, parameters: decoded }),
    onFailure: (problems) =>
      new CommandError({
        service,
        reason: "wrong-parameters",
        problem: `${command}: wrong parameters\n${problems.map(Fields.render).join("\n")}`
      })
  })
}

/** For Effect, a struct without fields may have any. */
const decode = (expected: Command["parameters"], parameters: object) => {
  const excess = Object.keys(expected.fields).length === 0 ? Object.entries(parameters) : []
  return excess.length === 0
    ? Fields.decode(expected, parameters)
    : Result.fail(excess.map(([name, actual]) => ({ path: [name], message: "expected no such option", actual })))
}

const unknown = (
  service: string,
  reason: CommandError["reason"],
  what: string,
  got: string,
  known: ReadonlyArray<string>
) => {
  const guess = nearest(got, known)
  const hint = guess === undefined ? `known: ${known.join(", ") || "none"}` : `did you mean "${guess}"?`
  return Result.fail(new CommandError({ service, reason, problem: `no ${what} is called "${got}" (${hint})` }))
}

const eventOf = ({ by = "", command, parameters = {}, pattern, service }: Request): Omit<Policy.Event, "at"> => ({
  _tag: "OperatorCommand",
  kind: pattern,
  service,
  severity: "Warn",
  attributes: {
    command,
    by,
    ...Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, typeof value === "string" ? value : Fields.show(value)])
    )
  }
})
