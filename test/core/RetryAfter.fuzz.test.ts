import { describe, expect } from "vitest"
import * as RetryAfter from "../../src/core/RetryAfter.ts"
import { type Dice, property } from "../support/property.ts"
import { slip, text } from "../support/texts.ts"

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
const LONG_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const two = (value: number): string => String(value).padStart(2, "0")

/** The three forms of a date, written by hand. */
const forms = (at: number): ReadonlyArray<string> => {
  const date = new Date(at)
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":")
  const [weekday, day, year] = [date.getUTCDay(), date.getUTCDate(), date.getUTCFullYear()]
  const month = MONTHS[date.getUTCMonth()]!
  return [
    `${DAYS[weekday]}, ${two(day)} ${month} ${year} ${time} GMT`,
    `${LONG_DAYS[weekday]}, ${two(day)}-${month}-${two(year % 100)} ${time} GMT`,
    `${DAYS[weekday]} ${month} ${String(day).padStart(2, " ")} ${time} ${year}`
  ]
}

const SECOND = 1_000
const YEAR = 365 * 24 * 3_600 * SECOND
const nowOf = (dice: Dice): number => dice.integer(30 * YEAR, 90 * YEAR)

describe("whatever a header says", () => {
  property(
    "it is a finite time of zero or more, or nothing",
    (dice) => {
      const now = nowOf(dice)
      const right = dice.oneOf(
        () => String(dice.integer(0, 1e6)),
        () => dice.pick(forms(now))
      )
      return {
        now,
        header: dice.oneOf(
          () => text(dice),
          () => slip(dice, right),
          () => slip(dice, slip(dice, right))
        )
      }
    },
    ({ header, now }) => {
      const millis = RetryAfter.parse(header, now)
      if (millis !== undefined) expect(Number.isFinite(millis) && millis >= 0, String(millis)).toBe(true)
    },
    { runs: 5_000 }
  )

  property(
    "a number of seconds is what was written",
    (dice) => dice.integer(0, 10 ** dice.integer(0, 12)),
    (seconds) => {
      expect(RetryAfter.parse(String(seconds), 0)).toBe(seconds * 1_000)
      expect(RetryAfter.parse(` ${seconds}.5 `, 0)).toBe(Math.ceil((seconds + 0.5) * 1_000))
      expect(RetryAfter.parse(`-${seconds}`, 0)).toBe(undefined)
      expect(RetryAfter.parse(`+${seconds}`, 0)).toBe(undefined)
      expect(RetryAfter.parse(`${seconds}s`, 0)).toBe(undefined)
    }
  )

  property(
    "a date in each of its forms is what was written, and the past is now",
    (dice) => {
      const now = nowOf(dice)
      const at = now + dice.integer(-49, 48) * YEAR + dice.integer(0, YEAR)
      return { now, at: Math.floor(at / SECOND) * SECOND }
    },
    ({ at, now }) => {
      for (const form of forms(at)) expect(RetryAfter.parse(form, now), form).toBe(Math.max(0, at - now))
    },
    { runs: 1_000 }
  )
})
