/**
 * A world of its own for one run: its clock starts at zero, its chance always falls the same way, its metrics and its log
 * are private.
 */
import { ConfigProvider, Effect, Layer, Logger, Metric, Random } from "effect"
import { TestClock } from "effect/testing"
import { type Policy, Resilience, type ResilienceConfig } from "../../../src/index.ts"

/** The service that the tests call. */
export const SERVICE = "svc"

/** What every draw of a random number gives. */
export const CHANCE = 0.25

export type Env = Readonly<Record<string, string>>

export interface World {
  readonly env?: Env
  readonly config?: ResilienceConfig.ConfigInput
  /** Collects what is logged. */
  readonly log?: Array<string>
}

const loggerInto = (log: Array<string>) =>
  Logger.make<unknown, void>(({ logLevel, message }) => {
    log.push(`${logLevel} ${[message].flat().join(" ")}`)
  })

/** Runs an effect with the policies that a literal and an environment configure. */
export const inWorld = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  { config = {}, env = {}, log = [] }: World = {}
): Effect.Effect<A, E, Exclude<R, Policy.ResilienceRegistry>> =>
  effect.pipe(
    Effect.provide(Layer.orDie(Resilience.layerEnvWith(config))),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { ...env } })),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(Random.Random, { nextDoubleUnsafe: () => CHANCE, nextIntUnsafe: () => 1 }),
    Effect.provide(Logger.layer([loggerInto(log)])),
    Effect.provide(TestClock.layer())
  )
