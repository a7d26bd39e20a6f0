import { Result } from "effect"
import { type Pipeline, ResilienceConfig } from "../../../src/index.ts"
import type { Env } from "./world.ts"

/** The valid options of a pattern. */
export type OptionsOf<S extends Pipeline.Slot> = (typeof Pipeline.order)[S]["options"]["Type"]

const resolve = (literal: unknown, env: Env) =>
  ResilienceConfig.resolve(literal as ResilienceConfig.ConfigInput, new Map(Object.entries(env)))

/** What a literal and an environment come to. */
export const resolved = (literal: unknown = {}, env: Env = {}) => {
  const config = Result.getOrThrowWith(resolve(literal, env), (lines) => new Error(lines.join("\n")))
  const find = <S extends Pipeline.Slot>(slot: S, service: string) =>
    config.optionsOf(slot, service) as OptionsOf<S> | undefined
  return {
    ...config,
    find,
    /** The options of a pattern that is not switched off. */
    options: <S extends Pipeline.Slot>(slot: S, service: string): OptionsOf<S> => {
      const options = find(slot, service)
      if (options === undefined) throw new Error(`${slot} is switched off for ${service}`)
      return options
    }
  }
}

/** The lines of everything that is wrong with a literal and an environment. */
export const problems = (literal: unknown, env: Env = {}): ReadonlyArray<string> => {
  const result = resolve(literal, env)
  return Result.isFailure(result) ? result.failure : []
}
