/**
 * What a query reads: just enough of PromQL for the queries that are generated here.
 */

/** One selector of series. */
export interface Selector {
  readonly metric: string
  /** The labels that it matches. */
  readonly labels: ReadonlyArray<string>
}

/** What a query reads. */
export interface Reading {
  readonly selectors: ReadonlyArray<Selector>
  /** The labels by which it aggregates or matches. */
  readonly grouped: ReadonlyArray<string>
  /** The labels whose values become the service. */
  readonly renamed: ReadonlyArray<string>
}

const words = new Set(["or", "and", "unless", "bool", "offset", "on", "ignoring", "by"])
const split = (list: string): ReadonlyArray<string> => list.split(",").map((label) => label.trim())

/** Reads a query in which no variable is left. */
export const read = (query: string): Reading => {
  const grouped = [...query.matchAll(/\b(?:by|on|ignoring) \(([^)]*)\)/g)].flatMap(([, list = ""]) => split(list))
  const renamed = [...query.matchAll(/"service", "\$1", "(\w+)"/g)].map(([, label = ""]) => label)
  const bare = query
    .replaceAll(/\b(by|on|ignoring) \([^)]*\)/g, "$1")
    .replaceAll(/\[[^\]]*\]|\boffset \w+/g, "")
    .replaceAll(/"[^"]*"/g, '""')
  const selectors = [...bare.matchAll(/([a-zA-Z_:][\w:]*)\b(?!\s*\()(?:\{([^}]*)\})?/g)]
    .filter(([, word = ""]) => !words.has(word) && !/[=!~]/.test(word))
    .map(([, metric = "", matchers]) => ({
      metric,
      labels:
        matchers === undefined ? [] : [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label)
    }))
    .filter(({ metric }) => !["sum", "max", "avg", "count"].includes(metric))
  return { selectors, grouped, renamed }
}
