import { describe, expect, it } from "@effect/vitest"
import { Result } from "effect"
import { help, parse } from "../../examples/demo/options.ts"

const accepted = (...args: ReadonlyArray<string>) => Result.getOrThrow(parse(args))

const refused = (...args: ReadonlyArray<string>) => Result.getOrThrow(Result.flip(parse(args)))

describe("accepted arguments", () => {
  it("need not be there", () => {
    expect(accepted()).toEqual({ durationSeconds: 20, ratePerSecond: 40, port: 0, json: false, help: false })
  })

  it("set every option", () => {
    expect(accepted("--duration", "6", "--rate", "10", "--json", "--help")).toEqual({
      durationSeconds: 6,
      ratePerSecond: 10,
      port: 0,
      json: true,
      help: true
    })
  })

  it("may have their value after an equals sign, or be fractions", () => {
    expect(accepted("--duration=7.5", "--rate=0x10")).toMatchObject({ durationSeconds: 7.5, ratePerSecond: 16 })
  })

  it("count as they are given last", () => {
    expect(accepted("--rate", "10", "--rate", "20").ratePerSecond).toBe(20)
  })

  it("include the short form of help", () => {
    expect(accepted("-h").help).toBe(true)
  })

  it.each(["5", "300"])("reach to the limits of the duration: %s", (seconds) => {
    expect(accepted("--duration", seconds).durationSeconds).toBe(Number(seconds))
  })

  it.each(["1", "300"])("reach to the limits of the rate: %s", (rate) => {
    expect(accepted("--rate", rate).ratePerSecond).toBe(Number(rate))
  })
})

describe("mistakes", () => {
  it.each(["4.9", "300.1", "-6", "Infinity", "NaN", "soon", ""])("are durations like %j", (value) => {
    expect(refused(`--duration=${value}`)).toEqual([
      `--duration is ${JSON.stringify(value)}: expected seconds, from 5 to 300.`
    ])
  })

  it.each(["0.9", "301", "-1", "many"])("are rates like %j", (value) => {
    expect(refused(`--rate=${value}`)).toEqual([
      `--rate is ${JSON.stringify(value)}: expected requests per second, from 1 to 300.`
    ])
  })

  it("are options without the value that they need", () => {
    expect(refused("--rate")).toEqual(["--rate has no value: expected requests per second, from 1 to 300."])
  })

  it("are values for options that have none", () => {
    expect(refused("--json=yes", "--help=please")).toEqual([
      '--json is "yes": expected no value.',
      '--help is "please": expected no value.'
    ])
  })

  it("are options and words that nobody knows", () => {
    const known = "expected one of --duration, --rate, --port, --json, --help."
    expect(refused("--fast", "-x", "now")).toEqual([
      `--fast is not an option: ${known}`,
      `-x is not an option: ${known}`,
      `"now" is not an option: ${known}`
    ])
  })

  it("are all reported together, in their order", () => {
    expect(refused("--rate", "0", "--loud", "--duration", "1").map((problem) => problem.split(" ")[0])).toEqual([
      "--rate",
      "--loud",
      "--duration"
    ])
  })
})

describe("the help text", () => {
  it("names every option, with its limits and default", () => {
    expect(help).toContain("--duration <seconds>     length of the day, 5 to 300 (default 20)")
    expect(help).toContain("--rate <per second>      requests sent to each of the two sides, 1 to 300 (default 40)")
    expect(help).toContain("--json")
    expect(help).toContain("--help")
  })

  it("explains every figure whose name does not", () => {
    for (const figure of ["calls", "succeeded", "failed", "p50Millis", "p99Millis", "upstreamCalls"]) {
      expect(help).toContain(figure)
    }
    for (const figure of ["fallbacks", "retries", "rejections", "openings", "recoveryMillis"]) {
      expect(help).toContain(figure)
    }
  })
})
