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
 * A provider that can list its names is searched, so that a misspelt one is found. But not all can, and of two providers one
 * behind the other only the first is listed; so each name that is known is asked for besides: those for all services, and
 * those for the given services and operation types.
 */
export const read = (
  provider: ConfigProvider.ConfigProvider,
  services: Iterable<string>
): Effect.Effect<ReadonlyMap<string, string>, Config.ConfigError> =>
  Effect.gen(function* () {
    const found = new Map<string, string>()
    const visited = new Set<string>()
    const visit = (path: ConfigProvider.Path): Effect.Effect<void, ConfigProvider.SourceError> => {
      const at = JSON.stringify(path)
      if (visited.has(at)) return Effect.void
      visited.add(at)
      return Effect.flatMap(provider.load(path), (node) => {
        if (node === undefined) return Effect.void
        const name = path.join("_")
        if (node.value !== undefined && !found.has(name) && Variables.isOurs(name)) found.set(name, node.value)
        const children = childrenOf(node).filter((key) => Variables.isRelated([...path, key].join("_")))
        return Effect.forEach(children, (key) => visit([...path, key]), { discard: true })
      })
    }
    yield* visit([])
    for (const path of Variables.pathsFor(services)) if (!found.has(path.join("_"))) yield* visit(path)
    return found
  }).pipe(Effect.mapError((error) => new Config.ConfigError(error)))

/** Services may be called by numbers, for example their ports; what looks like a list that is longer than that is none. */
const LONGEST_LIST = 2 ** 16

const childrenOf = (node: ConfigProvider.Node): ReadonlyArray<string | number> => {
  if (node._tag === "Value") return []
  if (node._tag === "Record") return [...node.keys]
  return Array.from({ length: Math.min(node.length, LONGEST_LIST) }, (_, index) => index)
}
