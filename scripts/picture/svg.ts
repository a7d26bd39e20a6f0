/**
 * Elements of SVG as text.
 */

/** What stands in a text or an attribute, and is not read as markup. */
export const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** An element with finished children. */
export const element = (
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: ReadonlyArray<string>
): string => {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(String(value))}"`)
  return `<${name}${written.join("")}>${children.join("")}</${name}>`
}

/** How a text looks. */
export interface TextStyle {
  readonly size: number
  readonly color: string
  readonly anchor?: "start" | "middle" | "end"
  readonly weight?: number
}

/** A line of text whose baseline is at `y`. */
export const text = (
  x: number,
  y: number,
  content: string,
  { anchor = "start", color, size, weight = 400 }: TextStyle
) =>
  element(
    "text",
    { x, y, "font-size": size, fill: color, "text-anchor": anchor, "font-weight": weight },
    escape(content)
  )

const widths: ReadonlyArray<readonly [characters: RegExp, width: number]> = [
  [/[fijlrtI .,:;|()[\]'-]/, 0.34],
  [/[mwMW%]/, 0.88],
  [/[A-Z]/, 0.7]
]

/** About as wide as the text is in the usual fonts, rather more than less. */
export const widthOf = (content: string, size: number): number =>
  [...content].reduce(
    (width, character) => width + size * (widths.find(([characters]) => characters.test(character))?.[1] ?? 0.55),
    0
  )

/** The text, or its beginning where there is no room for all of it. */
export const shorten = (content: string, size: number, width: number): string => {
  if (widthOf(content, size) <= width) return content
  let end = content.length
  while (end > 0 && widthOf(`${content.slice(0, end)}…`, size) > width) end--
  return `${content.slice(0, end).trimEnd()}…`
}

/** A rectangle. */
export const rectangle = (x: number, y: number, width: number, height: number, fill: string, radius = 2): string =>
  element("rect", { x, y, width: Math.max(0, width), height, rx: radius, fill })

/** Moves what is drawn from the corner at the top left. */
export const at = (x: number, y: number, ...children: ReadonlyArray<string>): string =>
  element("g", { transform: `translate(${x} ${y})` }, ...children)
