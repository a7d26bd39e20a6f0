/**
 * What several places say together. Services have the names that they have in variables.
 */
import * as Duration from "effect/Duration"
import type * as Result from "effect/Result"
import * as Fields from "../../policy/internal/options.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import { fromLiteral } from "./fromLiteral.ts"
import { base, presets } from "./presets.ts"
import { GROUP, isGroup, type Setting, type Source } from "./Source.ts"
import { SwitchedOn } from "./texts.ts"
import * as Variables from "./variables.ts"

const BASE = fromLiteral(base)

/** What is known before anybody says anything. */
export const PRESETS = fromLiteral(presets)

/** The settings of one pattern, by their paths. */
export type Settings = ReadonlyMap<string, Setting>

/** The code and the environment, over the presets. */
export class Merged {
  readonly code: Source
  readonly environment: Source
  /** All services that somebody has said something about. */
  readonly services: ReadonlySet<string>

  constructor(code: Source, environment: Source) {
    this.code = code
    this.environment = environment
    this.services = new Set([...code.services.keys(), ...environment.services.keys(), ...PRESETS.services.keys()])
  }

  /**
   * A switch counts like any option. But the options that a literal has for a service only overrule the literal: they are no
   * answer to a variable that switches the pattern off for all.
   */
  isEnabled(slot: Pipeline.Slot, service: string): boolean {
    const { code, environment } = this
    const own = code.services.get(service)?.[slot].enabled
    const switches = [
      environment.services.get(service)?.[slot].enabled,
      own?.value === false ? own : undefined,
      environment.all[slot].enabled,
      own,
      code.all[slot].enabled
    ]
    return switches.find((setting) => setting !== undefined)?.value !== false
  }

  /** Of a service, or of those that nobody says anything about. */
  settingsOf(slot: Pipeline.Slot, service: string | undefined): Settings {
    const settings = this.said(slot, service)
    if (service === undefined) return settings
    const time = this.timeOf(service)
    if (slot === "timeout" && time !== undefined) settings.set("duration", time)
    if (slot === "circuitBreaker" && !settings.has("probeTimeout")) {
      const value = Duration.sum(this.attemptTimeOf(service), this.queueTimeOf(service))
      // A probe must be able to take as long as any other attempt, and to wait as long for its turn.
      if (Duration.isGreaterThan(value, DEFAULT_TIME))
        settings.set("probeTimeout", { value, shown: value, where: slot })
    }
    return settings
  }

  /** The options that the settings come to. */
  decode(slot: Pipeline.Slot, service: string | undefined): Result.Result<unknown, ReadonlyArray<Fields.Problem>> {
    return Fields.decode(Pipeline.order[slot].options, written(this.settingsOf(slot, service)))
  }

  /** By default, a service is an operation type of its own. */
  operationTypeOf(service: string): string {
    const type = this.said("timeout", service).get("operationType")?.value
    return typeof type === "string" ? Variables.toVariable(type) : service
  }

  /** The later a place stands in the list, the more it counts. */
  private said(slot: Pipeline.Slot, service: string | undefined): Map<string, Setting> {
    const { code, environment } = this
    const all = [BASE.all, code.all, environment.all]
    const one = service === undefined ? [] : [PRESETS, code, environment].map(({ services }) => services.get(service))
    const said = new Map<string, Setting>()
    for (const patterns of [...all, ...one]) {
      for (const [path, setting] of patterns?.[slot].options ?? []) {
        if (!(setting.value instanceof SwitchedOn)) said.set(path, setting)
        else if (said.get(path)?.value === setting.value.off) said.delete(path)
      }
    }
    return said
  }

  /** The longest time of an attempt, be it one for a value, or a stream's to its first or next element. */
  private attemptTimeOf(service: string): Duration.Duration {
    const said = this.said("timeout", service)
    const ofStreams = [said.get("firstElement"), said.get("idle")].map((setting) => finite(setting?.value))
    return ofStreams.reduce((a, b) => Duration.max(a, b), finite(this.timeOf(service)?.value ?? DEFAULT_TIME))
  }

  /** The longest wait in the queue of a service; zero where there is no queue, or no limit. */
  private queueTimeOf(service: string): Duration.Duration {
    const said = this.said("bulkhead", service)
    const isQueue = this.isEnabled("bulkhead", service) && said.get("maxQueue")?.value !== 0
    return isQueue ? finite(said.get("queueTimeout")?.value) : Duration.zero
  }

  /** The time limit of a service, else that of its operation type, else that of all. */
  private timeOf(service: string): Setting | undefined {
    const { code, environment } = this
    const type = this.operationTypeOf(service)
    return (
      environment.times.get(service) ??
      code.services.get(service)?.timeout.options.get("duration") ??
      environment.times.get(type) ??
      code.times.get(type) ??
      PRESETS.times.get(type) ??
      this.said("timeout", service).get("duration")
    )
  }
}

/** Options as they would be written in code. What is no group stays what it is, though some place says more about it. */
export const written = (settings: Settings): Readonly<Record<string, unknown>> => {
  const options = emptyGroup()
  for (const [path, { value }] of [...settings].toSorted(([a], [b]) => a.length - b.length)) {
    const keys = path.split(".")
    const last = keys.pop()!
    const group = keys.reduce<unknown>((at, key) => (isRecord(at) ? (at[key] ??= emptyGroup()) : at), options)
    if (isRecord(group)) group[last] = value === GROUP ? emptyGroup() : value
  }
  return options
}

/** Without a prototype, so that a name such as `__proto__` is like any other. */
const emptyGroup = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>

const isRecord = (value: unknown): value is Record<string, unknown> => isGroup(value)

/** What an attempt may take, and a probe, when nobody says anything. */
const DEFAULT_TIME = Duration.seconds(30)

/** The duration that a value means; zero if it means none that ends. */
const finite = (value: unknown): Duration.Duration => {
  const duration = Fields.durationOf(value)
  return duration !== undefined && Duration.isFinite(duration) ? duration : Duration.zero
}
