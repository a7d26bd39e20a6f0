/**
 * What is wrong with the documentation: links that lead nowhere, snippets that nobody runs.
 */
import { dirname, join } from "node:path/posix"
import { extract } from "../doctest.ts"
import { anchorsIn, fencesIn, linksIn } from "./markdown.ts"

/** The Markdown documents, by path. */
export type Documents = ReadonlyMap<string, string>

const isElsewhere = (target: string): boolean => /^[a-z][a-z0-9+.-]*:/i.test(target)

/** A line for each relative link whose file or anchor does not exist. */
export const brokenLinks = (documents: Documents, exists: (path: string) => boolean): ReadonlyArray<string> =>
  [...documents].flatMap(([path, markdown]) =>
    linksIn(markdown).flatMap(({ line, target }) => {
      if (isElsewhere(target)) return []
      const [file = "", anchor] = decodeURI(target).split("#")
      const found = file === "" ? path : join(dirname(path), file)
      const where = `${path}:${line}`
      if (found.startsWith("..") || file.startsWith("/")) return [`${where} links to ${target}, outside the repository`]
      if (!exists(found)) return [`${where} links to ${target}, which does not exist`]
      const page = documents.get(found)
      return anchor === undefined || page === undefined || anchorsIn(page).has(anchor)
        ? []
        : [`${where} links to ${target}, but ${found} has no such heading`]
    })
  )

/** A line for each block of TypeScript that the doctest does not extract: it would be neither compiled nor run. */
export const looseSnippets = (documents: Documents, isRead: (path: string) => boolean): ReadonlyArray<string> =>
  [...documents].flatMap(([path, markdown]) => {
    const extracted = new Set(isRead(path) ? extract(path, markdown).map(({ line }) => line) : [])
    return fencesIn(markdown)
      .filter(({ info, line }) => /^(ts|tsx|mts|cts|typescript)\b/i.test(info) && !extracted.has(line))
      .map(({ info, line }) => `${path}:${line} is a block of ${info} that the doctest does not extract`)
  })

/** A line for each page of a folder that its index does not link to. */
export const unlinkedPages = (documents: Documents, index: string): ReadonlyArray<string> => {
  const folder = dirname(index)
  const linked = new Set(
    linksIn(documents.get(index) ?? "").map(({ target }) => join(folder, target.split("#")[0] ?? ""))
  )
  return [...documents.keys()]
    .filter((path) => dirname(path) === folder && path !== index && !linked.has(path))
    .map((path) => `${index} does not link to ${path}`)
}
