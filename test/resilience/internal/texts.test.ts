import { describe, expect, it } from "@effect/vitest"
import { Duration } from "effect"
import { durationIn } from "../../../src/resilience/internal/texts.ts"
import { property } from "../../support/property.ts"

describe("a text that means a duration", () => {
  it.each([
    ["5", Duration.seconds(5)],
    ["0.5", Duration.millis(500)],
    ["500 millis", Duration.millis(500)],
    ["Infinity", Duration.infinity],
    ["0", Duration.zero],
    ["300ms", Duration.millis(300)],
    ["5s", Duration.seconds(5)],
    ["1.5s", Duration.millis(1_500)],
    ["0.1s", Duration.millis(100)],
    ["90s", Duration.seconds(90)],
    ["1m 30s", Duration.seconds(90)],
    ["1d 1ms", Duration.millis(86_400_001)],
    ["2h 0.5m", Duration.seconds(7_230)],
    ["-1m 30s", Duration.seconds(-90)]
  ])('"%s" is %s', (text, expected) => {
    expect(Duration.equals(durationIn(text)!, expected)).toBe(true)
  })

  it.each(
    [
      "",
      " ",
      "s",
      "-",
      "5 s",
      "5S",
      "1m  30s",
      "1m30s",
      "30s 1m",
      "1s 1s",
      "1.5m 30s",
      "1m 30",
      "1m ",
      " 1m",
      "+5s"
    ].concat(["5s.", ".5s", "5.s", "1e3s", "1w", "5us", "--5s", "1m -30s", "soon", "1m 30 seconds", "5s\n"])
  )('"%s" is none', (text) => {
    expect(durationIn(text)).toBeUndefined()
  })

  it("may be longer than anybody waits", () => {
    expect(durationIn(`${"9".repeat(400)}d`)).toEqual(Duration.infinity)
    expect(Duration.isFinite(durationIn(`${"9".repeat(30)}d 1s`)!)).toBe(true)
  })

  property(
    "is also what Duration.format prints, whatever it prints",
    (dice) => {
      const nanos = BigInt(dice.integer(-(2 ** 40), 2 ** 40)) * 10n ** BigInt(dice.integer(0, 6))
      return dice.oneOf<Duration.Duration>(
        () => Duration.millis(dice.integer(0, 10 ** dice.integer(0, 15))),
        () => Duration.seconds(dice.integer(-100, 100)),
        () => Duration.nanos(nanos),
        () => Duration.micros(nanos),
        () => dice.pick([Duration.infinity, Duration.negativeInfinity, Duration.zero, Duration.days(1)])
      )
    },
    (duration) => {
      const text = Duration.format(duration)
      const read = durationIn(text)
      expect([text, read !== undefined && Duration.equals(read, duration)]).toEqual([text, true])
    },
    { runs: 2_000 }
  )
})
