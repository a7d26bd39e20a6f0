/**
 * Colours of a terminal. None carries a meaning alone, so nothing is lost without them.
 */

/** How a text is painted. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "magenta" | "cyan"

/** Paints a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  magenta: [35, 39],
  cyan: [36, 39]
}

/** For terminals. */
export const colored: Paint = (style, text) => {
  const [on, off] = codes[style]
  return `\u001B[${on}m${text}\u001B[${off}m`
}

/** For everything else. */
export const plain: Paint = (_, text) => text

/** A text from elsewhere, without what a terminal would obey, or what turns the order of letters around. */
export const visible = (text: string): string => text.replaceAll(/(?!\n)[\p{Cc}\p{Bidi_Control}]/gu, "\uFFFD")

/** The same in one line: no text can look like another line. */
export const inLine = (text: string): string => visible(text).replaceAll("\n", "\uFFFD")
