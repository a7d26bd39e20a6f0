/**
 * The variables of an environment that look like ours.
 */
import * as Config from "effect/Config"
import type * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Variables from "./variables.ts"

/**
 * Reads them from any provider.
 *
 * **Details**
 *
 * A provider that can list its names is searched, so that a misspelt one is found. One that cannot is asked for each name
 * that is known: those for all services, and those for the given ones.
 */
export const read = (
  provider: ConfigProvider.ConfigProvider,
  services: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, string>, Config.ConfigError> =>
  Effect.gen(function* () {
    const found = new Map<string, string>()
    const visit = (path: ConfigProvider.Path): Effect.Effect<void, ConfigProvider.SourceError> =>
      Effect.flatMap(provider.load(path), (node) => {
        const name = path.join("_")
        if (node === undefined) return Effect.void
        if (node.value !== undefined && Variables.isOurs(name)) found.set(name, node.value)
        return Effect.forEach(
          childrenOf(node).filter((key) => Variables.isRelated(join(name, key))),
          (key) => visit([...path, key]),
          {
            discard: true
          }
        )
      })
    yield* visit([])
    for (const name of Variables.namesFor(services.map(Variables.toVariable))) {
      if (!found.has(name)) yield* visit([name])
    }
    return found
  }).pipe(Effect.mapError((error) => new Config.ConfigError(error)))

const join = (name: string, key: string | number): string => (name === "" ? String(key) : `${name}_${key}`)

const childrenOf = (node: ConfigProvider.Node): ReadonlyArray<string | number> => {
  if (node._tag === "Value") return []
  return node._tag === "Record" ? [...node.keys] : Array.from({ length: node.length }, (_, index) => index)
}
