/**
 * What there is in a Markdown document: fenced blocks, headings with their anchors, links.
 */

/** A fenced block: what its fence says, and the line of that fence, counted from 1. */
export interface Fence {
  readonly info: string
  readonly line: number
}

/** A link, and its line. */
export interface Link {
  readonly target: string
  readonly line: number
}

interface Line {
  readonly text: string
  readonly line: number
}

interface Parts {
  /** The lines outside of blocks, without their code. */
  readonly prose: ReadonlyArray<Line>
  readonly fences: ReadonlyArray<Fence>
}

const read = (markdown: string): Parts => {
  const prose: Array<Line> = []
  const fences: Array<Fence> = []
  let ticks = ""
  for (const [index, text] of markdown.split("\n").entries()) {
    const [, fence = "", info = ""] = /^\s*(`{3,})(.*)$/.exec(text) ?? []
    if (ticks === "" && fence === "") prose.push({ text, line: index + 1 })
    else if (ticks === "") {
      ticks = fence
      fences.push({ info: info.trim(), line: index + 1 })
    } else if (fence.length >= ticks.length && info.trim() === "") ticks = ""
  }
  return { prose, fences }
}

/** The fenced blocks of a document. */
export const fencesIn = (markdown: string): ReadonlyArray<Fence> => read(markdown).fences

/** The anchors of a document, as GitHub makes them from its headings. */
export const anchorsIn = (markdown: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const { text } of read(markdown).prose) {
    const heading = /^#{1,6}\s+(.+?)\s*#*$/.exec(text)?.[1]
    if (heading === undefined) continue
    const anchor = anchorOf(heading)
    let count = 0
    while (anchors.has(numbered(anchor, count))) count++
    anchors.add(numbered(anchor, count))
  }
  return anchors
}

const numbered = (anchor: string, count: number): string => (count === 0 ? anchor : `${anchor}-${count}`)

const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, "")
    .replaceAll(/\s/g, "-")

/** The links and images of a document, those in code aside. */
export const linksIn = (markdown: string): ReadonlyArray<Link> =>
  read(markdown).prose.flatMap(({ line, text }) => {
    const withoutCode = text.replaceAll(/(`+).*?\1/g, "code")
    const inline = withoutCode.matchAll(/\]\(<?([^()\s<>]+)>?(?:\s+"[^"]*")?\)/g)
    const definition = /^\s*\[[^\]]+\]:\s+<?([^\s<>]+)/.exec(withoutCode)
    return [...inline, ...(definition === null ? [] : [definition])].map(([, target = ""]) => ({ target, line }))
  })

/** A table with columns as wide as their widest cell. */
export const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")))
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => [...(row[column] ?? "")].length)))
  const line = (row: ReadonlyArray<string>): string =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`
  const [first = [], ...others] = cells
  return [line(first), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...others.map(line)].join("\n")
}
