/**
 * What several places say together. Services have the names that they have in variables.
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { nearest } from "../../policy/internal/nearest.ts"
import * as Fields from "../../policy/internal/options.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import type * as Policy from "../../policy/Policy.ts"
import { base, presets } from "./presets.ts"
import * as Source from "./Source.ts"
import * as Variables from "./variables.ts"

type Lines = ReadonlyArray<string>
type Decoded = Result.Result<unknown, ReadonlyArray<Fields.Problem>>

const BASE = Source.fromLiteral(base)
const PRESETS = Source.fromLiteral(presets)

/** The code and the environment, over the presets. */
export class Merged {
  private readonly code: Source.Source
  private readonly environment: Source.Source
  /** All services that somebody has said something about. */
  readonly services: ReadonlySet<string>

  constructor(code: Source.Source, environment: Source.Source) {
    this.code = code
    this.environment = environment
    this.services = new Set([...code.services.keys(), ...environment.services.keys(), ...PRESETS.services.keys()])
  }

  /** The options of a pattern for a service; `undefined` where the pattern is switched off. */
  optionsOf(slot: Pipeline.Slot, service: string): unknown {
    const name = Variables.toVariable(service)
    if (!this.isEnabled(slot, name)) return undefined
    const options = Result.getOrThrow(this.decode(slot, name))
    return slot === "deadline" && !this.settingsFor(slot, name).has("duration") ? undefined : options
  }

  /** The lines of everything that is wrong with options. */
  check(): Lines {
    return Source.slots.flatMap((slot) => {
      const services = [...this.services]
      const all = this.ineffective(slot, undefined, this.writtenFor(slot, undefined))
      const used = services.filter((service) => Result.isSuccess(this.decode(slot, service)))
      const unused = all.filter((problem) =>
        used.every((service) => this.ineffective(slot, service, [problem.path[0]!]).length > 0)
      )
      return [
        ...this.lines(slot, undefined, [...failureOf(this.decode(slot, undefined)), ...unused]),
        ...services.flatMap((service) => {
          const own = this.ineffective(slot, service, this.writtenFor(slot, service))
          return this.lines(slot, service, [...failureOf(this.decode(slot, service)), ...own])
        })
      ]
    })
  }

  /** Variables of services that the code does not declare, if it declares any. */
  strangers(): Lines {
    if (this.code.services.size === 0) return []
    const declared = [...this.code.services.keys(), ...PRESETS.services.keys()]
    const times = [...declared, ...this.operationTypes()]
    const isStrange = (known: Lines) => (name: string) => !known.includes(name)
    const line = (where: string, name: string, known: Lines): string => {
      const guess = nearest(name, known)
      return `${where}: no service called ${name} is declared${guess === undefined ? "" : ` (did you mean ${guess}?)`}`
    }
    return [
      ...[...this.environment.services]
        .filter(([name]) => isStrange(declared)(name))
        .flatMap(([name, patterns]) =>
          Source.slots.flatMap((slot) => {
            const { enabled, options } = patterns[slot]
            return [...(enabled === undefined ? [] : [enabled]), ...options.values()].map(({ where }) =>
              line(where, name, declared)
            )
          })
        ),
      ...[...this.environment.times]
        .filter(([name]) => isStrange(times)(name))
        .map(([name, { where }]) => line(where, name, times))
    ]
  }

  /** Whether a service, or an operation type, is known. */
  isKnown(service: string): boolean {
    const name = Variables.toVariable(service)
    return this.services.has(name) || this.environment.times.has(name) || this.operationTypes().includes(name)
  }

  private operationTypes(): Lines {
    const named = [this.code.times, PRESETS.times].flatMap((times) => [...times.keys()])
    const used = [...this.services].map((service) => this.operationTypeOf(service, this.merge("timeout", service)))
    return [...named, ...used]
  }

  private isEnabled(slot: Pipeline.Slot, service: string): boolean {
    const { code, environment } = this
    const places = [environment.services.get(service), environment.all, code.services.get(service), code.all]
    return places.map((patterns) => patterns?.[slot].enabled?.value).find((value) => value !== undefined) !== false
  }

  /** The later a place stands in the list, the more it counts. */
  private merge(slot: Pipeline.Slot, service: string | undefined): Map<string, Source.Setting> {
    const { code, environment } = this
    const all = [BASE.all, code.all, environment.all]
    const one = service === undefined ? [] : [PRESETS, code, environment].map(({ services }) => services.get(service))
    return new Map([...all, ...one].flatMap((patterns) => [...(patterns?.[slot].options ?? [])]))
  }

  private settingsFor(slot: Pipeline.Slot, service: string | undefined): ReadonlyMap<string, Source.Setting> {
    const settings = this.merge(slot, service)
    if (service === undefined) return settings
    const time = this.timeOf(service, this.merge("timeout", service))
    if (time === undefined) return settings
    if (slot === "timeout") settings.set("duration", time)
    // A probe must be able to take as long as any other attempt.
    if (slot === "circuitBreaker" && !settings.has("probeTimeout") && isLongerThanProbe(time.value)) {
      settings.set("probeTimeout", time)
    }
    return settings
  }

  private operationTypeOf(service: string, settings: ReadonlyMap<string, Source.Setting>): string {
    const type = settings.get("operationType")?.value
    return typeof type === "string" ? Variables.toVariable(type) : service
  }

  /** The time limit of a service, else that of its operation type. */
  private timeOf(service: string, settings: ReadonlyMap<string, Source.Setting>): Source.Setting | undefined {
    const { code, environment } = this
    const type = this.operationTypeOf(service, settings)
    return (
      environment.times.get(service) ??
      code.services.get(service)?.timeout.options.get("duration") ??
      environment.times.get(type) ??
      code.times.get(type) ??
      PRESETS.times.get(type) ??
      settings.get("duration")
    )
  }

  private decode(slot: Pipeline.Slot, service: string | undefined): Decoded {
    return Fields.decode(Pipeline.order[slot].options, Source.written(this.settingsFor(slot, service)))
  }

  private writtenFor(slot: Pipeline.Slot, service: string | undefined): Lines {
    const { code, environment } = this
    const patterns = [code, environment].map(({ all, services }) =>
      service === undefined ? all : services.get(service)
    )
    return patterns.flatMap((of) => [...(of?.[slot].options.keys() ?? [])].map((path) => path.split(".")[0]!))
  }

  private ineffective(slot: Pipeline.Slot, service: string | undefined, names: Lines): ReadonlyArray<Fields.Problem> {
    const kind: Policy.AnyKind = Pipeline.order[slot]
    const input = Source.written(this.settingsFor(slot, service))
    const isValid = Result.isSuccess(Fields.decode(kind.options, input))
    return isValid ? failureOf(Fields.decodeEffective(kind, input, new Set(names))) : []
  }

  private lines(slot: Pipeline.Slot, service: string | undefined, problems: ReadonlyArray<Fields.Problem>): Lines {
    const settings = this.settingsFor(slot, service)
    return problems.map(({ actual, message, path }) => {
      const setting = settings.get(path.join("."))
      const where = setting?.where ?? [slot, ...path].join(".")
      return Fields.render({ path: [where], message, actual: setting === undefined ? actual : setting.shown }).trim()
    })
  }
}

const PROBE_TIMEOUT = Duration.seconds(30)

const isLongerThanProbe = (time: unknown): boolean => {
  const duration = Fields.durationOf(time)
  return duration !== undefined && Duration.isFinite(duration) && Duration.isGreaterThan(duration, PROBE_TIMEOUT)
}

const failureOf = (decoded: Decoded): ReadonlyArray<Fields.Problem> =>
  Result.isFailure(decoded) ? decoded.failure : []
