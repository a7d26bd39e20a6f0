import { describe, expect, it } from "vitest"
import { isRepeatable } from "../../src/redis/internal/commands.ts"
import { isRead } from "../../src/sql/internal/statements.ts"
import { type Dice, property } from "../support/property.ts"
import { hostile, text } from "../support/texts.ts"

const reads = ["SELECT 1", "  select * from a", "(SELECT 1)", "WITH x AS (SELECT 1) SELECT * FROM x", "SHOW x"]
const writes = [
  "INSERT INTO a VALUES (1)",
  "update a set b = 1",
  "SELECT 1; DELETE FROM a",
  "WITH x AS (DELETE FROM a) SELECT 1"
]

/** What a database overlooks; its words are none that write. */
const comment = (dice: Dice): string => {
  const words = dice.many(4, () => dice.pick(["a", "*", "**", "-- ", "select", " ", "(", "é"])).join("")
  return dice.pick([" ", "\n", "\t", `--${words}\n`, `/*${words}*/`, "/**/", "/***/"])
}

describe("whatever a statement is", () => {
  property(
    "comments before it do not change what it does",
    (dice) => ({
      read: dice.pick(reads),
      write: dice.pick(writes),
      comments: dice.many(40, () => comment(dice)).join("")
    }),
    ({ comments, read, write }) => {
      expect(isRead(comments + read)).toBe(true)
      expect(isRead(comments + write)).toBe(false)
    },
    { runs: 1_000 }
  )

  property(
    "it is judged",
    (dice) =>
      dice
        .many(5, () =>
          dice.oneOf(
            () => text(dice),
            () => dice.pick(reads),
            () => comment(dice)
          )
        )
        .join(""),
    (sql) => {
      expect(isRead(sql)).toBeTypeOf("boolean")
    },
    { runs: 1_000 }
  )

  it("many comments take no time", () => {
    expect(isRead(`${"/**/".repeat(25_000)}x`)).toBe(false)
    expect(isRead(`/*${"*".repeat(100_000)}`)).toBe(false)
  }, 2_000)
})

describe("whatever a command of Redis is", () => {
  property(
    "it is judged, and what is not known is not repeated",
    (dice) => ({
      command: dice.oneOf(
        () => dice.pick(["GET", "set", "SET", "DEL", "INCR"]),
        () => text(dice)
      ),
      args: dice.many(5, () =>
        dice.oneOf(
          () => dice.pick(["k", "v", "EX", "NX", "10", "GET"]),
          () => dice.pick(hostile)
        )
      )
    }),
    ({ args, command }) => {
      const verdict = isRepeatable(command, args)
      expect(verdict).toBeTypeOf("boolean")
      if (!/^[A-Z]+$/i.test(command)) expect(verdict).toBe(false)
    },
    { runs: 1_000 }
  )
})
