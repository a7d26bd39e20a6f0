import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as RetryAfter from "../../src/core/RetryAfter.ts"

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** The three forms of RFC 9110, section 5.6.7. */
const forms = {
  "IMF-fixdate": (date: Date) => date.toUTCString(),
  "RFC 850": (date: Date) => {
    const [, day, month, year, time] = date.toUTCString().split(" ")
    return `${DAYS[date.getUTCDay()]}, ${day}-${month}-${year!.slice(2)} ${time} GMT`
  },
  asctime: (date: Date) => {
    const [weekday, , month, year, time] = date.toUTCString().split(" ")
    return `${weekday!.slice(0, 3)} ${month} ${String(date.getUTCDate()).padStart(2, " ")} ${time} ${year}`
  }
}
const formNames = ["IMF-fixdate", "RFC 850", "asctime"] as const

const now = Date.UTC(2026, 10, 6, 8, 49, 37)

describe("a number of seconds", () => {
  it.each([
    ["0", 0],
    ["1", 1_000],
    ["120", 120_000],
    ["007", 7_000],
    ["1.5", 1_500],
    ["  30\t", 30_000],
    ["31536000", 31_536_000_000]
  ])("%j is %d ms, whatever the time", (value, millis) => {
    expect(RetryAfter.parse(value, now)).toBe(millis)
    expect(RetryAfter.parse(value, 0)).toBe(millis)
  })

  it("is rounded up to the next millisecond, so that nobody comes too early", () => {
    expect(RetryAfter.parse("0.0001", now)).toBe(1)
    expect(RetryAfter.parse("1.2341", now)).toBe(1_235)
  })

  it("that is too large for a number is no answer", () => {
    expect(RetryAfter.parse("9".repeat(400), now)).toBeUndefined()
    expect(RetryAfter.parse(`1${"0".repeat(306)}`, now)).toBeUndefined()
  })
})

describe("a date", () => {
  it("may have any of the three forms", () => {
    expect(RetryAfter.parse("Fri, 06 Nov 2026 08:50:07 GMT", now)).toBe(30_000)
    expect(RetryAfter.parse("Friday, 06-Nov-26 08:50:07 GMT", now)).toBe(30_000)
    expect(RetryAfter.parse("Fri Nov  6 08:50:07 2026", now)).toBe(30_000)
  })

  it.each(formNames)("is seen from the time now, to the millisecond: %s", (form) => {
    const value = forms[form](new Date(now + 2_000))
    expect(RetryAfter.parse(value, now + 1)).toBe(1_999)
  })

  it.each(formNames)("in the past, or now, means no wait: %s", (form) => {
    expect(RetryAfter.parse(forms[form](new Date(now)), now)).toBe(0)
    expect(RetryAfter.parse(forms[form](new Date(now - 1_000)), now)).toBe(0)
    expect(RetryAfter.parse(forms[form](new Date(now - 40 * 366 * 86_400_000)), now)).toBe(0)
  })

  it.each(formNames)("is read for every month of the year: %s", (form) => {
    for (const month of MONTHS.keys()) {
      const at = Date.UTC(2027, month, 28, 23, 59, 59)
      expect(RetryAfter.parse(forms[form](new Date(at)), now)).toBe(at - now)
    }
  })

  it.each(formNames)("is read in any case, with blanks around: %s", (form) => {
    const value = forms[form](new Date(now + 5_000))
    expect(RetryAfter.parse(`  ${value.toUpperCase()} `, now)).toBe(5_000)
    expect(RetryAfter.parse(value.toLowerCase(), now)).toBe(5_000)
  })

  it("may fall on a leap day and on a leap second", () => {
    const eve = Date.UTC(2028, 1, 28, 23, 59, 59)
    expect(RetryAfter.parse("Tue, 29 Feb 2028 00:00:00 GMT", eve)).toBe(1_000)
    expect(RetryAfter.parse("Mon, 28 Feb 2028 23:59:60 GMT", eve)).toBe(1_000)
  })

  it.each([
    "Fri, 00 Nov 2026 08:50:07 GMT",
    "Fri, 32 Nov 2026 08:50:07 GMT",
    "Fri, 06 Nov 2026 24:00:00 GMT",
    "Fri, 06 Nov 2026 08:60:07 GMT",
    "Fri, 06 Nov 2026 08:50:61 GMT",
    "Fri, 06 Nob 2026 08:50:07 GMT",
    "Friday, 06-Nob-26 08:50:07 GMT",
    "Friday, 32-Nov-26 08:50:07 GMT",
    "Fri Nob  6 08:50:07 2026",
    "Fri Nov 32 08:50:07 2026",
    "Fri Nov  0 08:50:07 2026"
  ])("that does not exist is no answer: %s", (value) => {
    expect(RetryAfter.parse(value, now)).toBeUndefined()
  })

  it.each([
    "Thu, 31 Dec 2026 23:59:59 GMT",
    "Thursday, 31-Dec-26 23:59:59 GMT",
    "Thu Dec 31 23:59:59 2026",
    "Fri, 01 Jan 2027 00:00:00 GMT",
    "Fri Jan  1 00:00:00 2027"
  ])("may have the first and last day, hour, minute and second: %s", (value) => {
    const at = value.includes("27") ? Date.UTC(2027, 0, 1) : Date.UTC(2027, 0, 1) - 1_000
    expect(RetryAfter.parse(value, now)).toBe(at - now)
  })
})

describe("a year of two digits", () => {
  it("is the one at most 50 years ahead", () => {
    expect(RetryAfter.parse("Friday, 06-Nov-76 08:49:37 GMT", now)).toBe(Date.UTC(2076, 10, 6, 8, 49, 37) - now)
    expect(RetryAfter.parse("Saturday, 06-Nov-77 08:49:37 GMT", now)).toBe(0)
  })

  it("is the present one all year long", () => {
    for (const year of [1970, 2000, 2024, 2026, 2099]) {
      for (const at of [Date.UTC(year, 0, 1), Date.UTC(year, 11, 31, 23, 59, 57)]) {
        expect(RetryAfter.parse(forms["RFC 850"](new Date(at + 2_000)), at)).toBe(2_000)
      }
    }
  })

  it("is 50 years ahead of the present one from the first hour of the year", () => {
    const newYear = Date.UTC(2024, 0, 1)
    expect(RetryAfter.parse("Monday, 01-Jan-74 00:00:00 GMT", newYear)).toBe(Date.UTC(2074, 0, 1) - newYear)
  })

  it("is one of the next century when that is nearer", () => {
    const eve = Date.UTC(2099, 11, 30)
    expect(RetryAfter.parse("Friday, 01-Jan-00 00:00:00 GMT", eve)).toBe(2 * 86_400_000)
    const early = Date.UTC(2060, 5, 1)
    expect(RetryAfter.parse("Sunday, 01-Jun-10 00:00:00 GMT", early)).toBe(Date.UTC(2110, 5, 1) - early)
    expect(RetryAfter.parse("Monday, 01-Jun-11 00:00:00 GMT", early)).toBe(0)
  })
})

describe("anything else", () => {
  it.each([
    ["nothing", ""],
    ["blanks", "   "],
    ["a negative number", "-5"],
    ["a signed number", "+5"],
    ["a number without its fraction", "5."],
    ["a fraction without its number", ".5"],
    ["a power of ten", "1e3"],
    ["a hexadecimal number", "0x10"],
    ["a number with a unit", "5s"],
    ["two numbers", "5, 10"],
    ["a number with a comma", "1,5"],
    ["a word for no number", "NaN"],
    ["a word for a number", "Infinity"],
    ["digits of another script", "\u0663"],
    ["a number before a date", "5 Fri, 06 Nov 2026 08:50:07 GMT"],
    ["a date of another zone", "Fri, 06 Nov 2026 08:50:07 CET"],
    ["a date with an offset", "Fri, 06 Nov 2026 08:50:07 +0000"],
    ["an ISO date", "2026-11-06T08:50:07Z"],
    ["a date without its weekday", "06 Nov 2026 08:50:07 GMT"],
    ["a date and more", "Fri, 06 Nov 2026 08:50:07 GMT;"],
    ["more and a date", "x Friday, 06-Nov-26 08:50:07 GMT"],
    ["an RFC 850 date and more", "Friday, 06-Nov-26 08:50:07 GMT 1"],
    ["an asctime date and more", "Fri Nov  6 08:50:07 2026 GMT"],
    ["more and an asctime date", "on Fri Nov  6 08:50:07 2026"],
    ["a short weekday in RFC 850", "Fri, 06-Nov-26 08:50:07 GMT"]
  ])("is no answer: %s", (_, value) => {
    expect(RetryAfter.parse(value, now)).toBeUndefined()
  })
})

describe("any text", () => {
  const Seconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 253_402_300_799 }))
  it.prop(
    "that is a date between 1970 and 9999 is read exactly",
    [Seconds, Seconds, Schema.Literals(["IMF-fixdate", "asctime"])],
    ([at, from, form]) => {
      const value = forms[form](new Date(at * 1_000))
      expect(RetryAfter.parse(value, from * 1_000)).toBe(Math.max(0, at - from) * 1_000)
    },
    { arbitrary: { runs: 500, seed: 11 } }
  )

  const Present = Schema.Int.check(Schema.isBetween({ minimum: 1_700_000_000, maximum: 2_500_000_000 }))
  const Ahead = Schema.Int.check(Schema.isBetween({ minimum: -40 * 31_536_000, maximum: 40 * 31_536_000 }))
  it.prop(
    "that is a date with two digits, up to 40 years away, is read exactly",
    [Present, Ahead],
    ([from, ahead]) => {
      const value = forms["RFC 850"](new Date((from + ahead) * 1_000))
      expect(RetryAfter.parse(value, from * 1_000)).toBe(Math.max(0, ahead) * 1_000)
    },
    { arbitrary: { runs: 500, seed: 12 } }
  )

  const Pieces = Schema.Literals([
    ..."0123456789:,-. +",
    "Fri",
    "Friday",
    "Nov",
    "GMT",
    "06",
    "2026",
    "99",
    "08:50:07",
    ", ",
    "  6",
    "\u0130",
    "\0"
  ])
  const damaged = Schema.Struct({
    form: Schema.Literals(formNames),
    at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 32 })),
    length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
    piece: Pieces
  })
  const isAnswer = (millis: number | undefined): boolean =>
    millis === undefined || (Number.isInteger(millis) && millis >= 0)

  it.prop(
    "is read without an error, as a wait of zero or more or as no answer",
    [Schema.String, Arbitrary.array(Arbitrary.schema(Pieces), { maxLength: 14 }), damaged],
    ([text, pieces, { at, form, length, piece }]) => {
      const date = forms[form](new Date(now))
      const broken = `${date.slice(0, at)}${piece}${date.slice(at + length)}`
      for (const value of [text, pieces.join(""), broken]) expect(isAnswer(RetryAfter.parse(value, now))).toBe(true)
    },
    { arbitrary: { runs: 3_000, seed: 13, size: 14 } }
  )
})
