/**
 * The running instances of all services: made at their first use from the configuration, and shown in the metrics.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fallback from "../../policy/Fallback.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import * as Policy from "../../policy/Policy.ts"
import type { ResilienceConfig } from "../ResilienceConfig.ts"
import * as Metrics from "./Metrics.ts"
import * as RecentEvents from "./RecentEvents.ts"
import { toVariable } from "./variables.ts"

/** Kinds that are made of the configured ones, or need no configuration. */
const others: ReadonlyArray<Policy.AnyKind> = [Pipeline.Kind, Fallback.Kind]

/** All kinds that a registry makes instances of. */
export const kinds: ReadonlyArray<Policy.AnyKind> = [...Object.values(Pipeline.order), ...others]

/** A registry, and how to end it. */
export interface Registry {
  readonly service: Policy.ResilienceRegistry["Service"]
  readonly close: () => void
}

/** Makes a registry. The instances of declared services are there from the start, so that their metrics are. */
export const make = (config: ResilienceConfig, context: Context.Context<never>): Registry => {
  const slots = new Map<Policy.AnyKind, Pipeline.Slot>(
    Object.entries(Pipeline.order).map(([slot, kind]) => [kind, slot as Pipeline.Slot])
  )
  const metrics = Metrics.make(context, kinds)
  const instances = new Map<Policy.AnyKind, Map<string, Policy.Instance | undefined>>()
  const greeted = new Set<string>()
  /** The same services, by their names in variables. */
  const used = new Set<string>()
  const observers = new Set<Policy.Observer>()
  const recent = RecentEvents.make()

  const warn = (message: string): void =>
    void Effect.runForkWith(context)(Effect.logWarning(`effect-resilience: ${message}`))

  /** What is odd about a service is said at its first use. */
  const greet = (service: string): void => {
    if (greeted.has(service)) return
    if (!config.isKnown(service)) {
      const message = `no service called "${service}" is declared; declared are ${config.declared.join(", ")}`
      if (config.strict) throw new Error(`effect-resilience: ${message}`)
      warn(`${message}. It gets the defaults.`)
    }
    greeted.add(service)
    used.add(toVariable(service))
    for (const slip of config.slipsFor(service)) if (!used.has(slip.service)) warn(slip.line)
  }

  const broadcast: Policy.Observer = (event, fiber) => {
    recent.add(event)
    // A copy: who subscribes while this goes on hears the next event, not this one.
    for (const observer of Array.from(observers)) Policy.tell(observer, event, fiber)
  }
  const observe: Policy.Observer = (event, fiber) => {
    metrics.count(event)
    broadcast(event, fiber)
  }

  /** `undefined` where the pattern is switched off. */
  const optionsOf = (kind: Policy.AnyKind, service: string): unknown => {
    const slot = slots.get(kind)
    if (slot === undefined) return {}
    greet(service)
    return config.optionsOf(slot, service)
  }

  const makeInstance = (kind: Policy.AnyKind, service: string): Policy.Instance | undefined => {
    const options = optionsOf(kind, service)
    if (options === undefined) return undefined
    const instance = kind.make(service, options, { sibling: (kind) => get(kind, service), observe })
    metrics.add(kind, instance)
    return instance
  }

  const get = <I extends Policy.Instance, Options>(kind: Policy.Kind<I, Options>, service: string): I | undefined => {
    const byService = instances.get(kind) ?? new Map<string, Policy.Instance | undefined>()
    const known = byService.get(service) as I | undefined
    if (known !== undefined || !config.enabled || byService.has(service)) return known
    instances.set(kind, byService)
    const instance = makeInstance(kind, service)
    byService.set(service, instance)
    return instance as I | undefined
  }

  for (const service of config.declared) for (const kind of kinds) get(kind, service)

  return {
    service: {
      get,
      enabled: config.enabled,
      instances: () => [...instances.values()].flatMap((all) => [...all.values()].filter((one) => one !== undefined)),
      observe: broadcast,
      recent: recent.all,
      subscribe: (observer) => {
        const own: Policy.Observer = (event, fiber) => observer(event, fiber)
        observers.add(own)
        return () => {
          observers.delete(own)
        }
      }
    },
    close: metrics.close
  }
}
