/**
 * Texts that programs do not expect.
 */
import type { Dice } from "./property.ts"

/** What has broken a program before. */
export const hostile: ReadonlyArray<string> = [
  "",
  " ",
  "\0",
  "\n",
  "\r\n",
  "\u001B[2J",
  "\u009B31m",
  "\u202Egnp.exe",
  "\uFEFF",
  "\uD800",
  "🔥",
  "ﬃ",
  "İ",
  "ß",
  "а", // Cyrillic
  "null",
  "undefined",
  "true",
  "NaN",
  "Infinity",
  "-Infinity",
  "-0",
  "0",
  "1e308",
  "1e999",
  "0x10",
  "9007199254740993",
  "99999999999999999999",
  "1_000",
  "٣",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "../../etc/passwd",
  "%",
  "%2e%2e%2f",
  "%00",
  "%ff",
  "${jndi:ldap://x}",
  "<script>",
  "'; DROP TABLE x; --",
  "5 seconds",
  "5seconds",
  "P1D",
  "[]",
  "{}",
  "{",
  '"'
]

/** Any text: hostile ones, words, characters from anywhere, several together, or a long one. */
export const text = (dice: Dice): string =>
  dice.oneOf(
    () => dice.pick(hostile),
    () => dice.pick(hostile),
    () => dice.many(6, () => String.fromCodePoint(dice.integer(0, 0x7f))).join(""),
    () => dice.many(6, () => String.fromCodePoint(dice.integer(0, 0x10_ff_ff))).join(""),
    () => dice.many(4, () => dice.pick(hostile)).join(dice.pick(["", " ", "_", "."])),
    () => String((dice.next() - 0.5) * 10 ** dice.integer(-3, 25)),
    () => dice.pick(["a", "9", "_", "/", " ", "é", "\n"]).repeat(dice.integer(1, 3_000))
  )

/** A text with one slip: a character too many, missing or wrong. */
export const slip = (dice: Dice, right: string): string => {
  const at = dice.integer(0, right.length)
  return (
    right.slice(0, at) +
    dice.oneOf(
      () => "",
      () => dice.pick(hostile)
    ) +
    right.slice(at + dice.integer(0, 1))
  )
}

/** Any JSON. */
export const json = (dice: Dice, depth = 3): unknown => {
  const leaves = [
    () => text(dice),
    () => dice.pick([null, true, false, 0, -0, 1, -1, 1.5, 1e308, -1e308, 2 ** 53, 8.64e15 + 1])
  ]
  if (depth === 0) return dice.oneOf<unknown>(...leaves)
  return dice.oneOf<unknown>(
    ...leaves,
    () => dice.many(3, () => json(dice, depth - 1)),
    () => objectOf(dice.many(4, () => [text(dice), json(dice, depth - 1)]))
  )
}

/** An object whose fields are its own, whatever they are called, as JSON makes them. */
export const objectOf = (entries: ReadonlyArray<readonly [string, unknown]>): object => Object.fromEntries(entries)

/** What is there only once in all of a test's output: somebody has told it. */
export const SECRET = "s3cr3t-canary-7f1b"
