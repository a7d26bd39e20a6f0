import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Duration, Result, Schema } from "effect"
import { isNearly, nearest } from "../../../src/policy/internal/nearest.ts"
import * as Fields from "../../../src/policy/internal/options.ts"

const accepts = (schema: Fields.Pure, input: unknown): boolean => Result.isSuccess(Fields.decode(schema, input))

it("checks of a schema that are about all options are checked, too", () => {
  const schema = Schema.Struct({ least: Schema.Int, most: Schema.Int }).check(
    Schema.makeFilter(({ least, most }) => least <= most || "Expected least to be at most most")
  )
  const messages = (input: unknown) =>
    Result.match(Fields.decode(schema, input), {
      onFailure: (problems) => problems.map(({ path }) => path.join(".")),
      onSuccess: () => []
    })
  expect(messages({ least: 1, most: 2 })).toEqual([])
  expect(messages({ least: 3, most: 2 })).toEqual([""])
  expect(messages({ least: 3, most: "x" })).toEqual(["most"])
})

describe("what counts as a duration", () => {
  it.each([
    [0, 0],
    [500, 500],
    [1.5, 1.5],
    [-500, -500],
    [Infinity, Infinity],
    ["500 millis", 500],
    ["1 second", 1_000],
    ["1.5 minutes", 90_000],
    ["-2 seconds", -2_000],
    ["Infinity", Infinity],
    [5_000_000n, 5],
    [[1, 500_000_000], 1_500],
    [{ seconds: 5 }, 5_000],
    [{ minutes: 1, milliseconds: 500 }, 60_500],
    [{ seconds: 5, minutes: undefined }, 5_000],
    [Duration.seconds(3), 3_000],
    [Duration.infinity, Infinity]
  ])("%o", (input, millis) => {
    expect(Duration.toMillis(Fields.durationOf(input)!)).toBe(millis)
  })

  it.each([
    [NaN],
    [""],
    ["soon"],
    ["5"],
    ["5 fortnights"],
    ["llm"],
    [null],
    [undefined],
    [true],
    [{}],
    [{ seconds: 5, fortnights: 1 }],
    [{ seconds: undefined }],
    [{ seconds: NaN }],
    [{ seconds: 5, minutes: NaN }],
    [{ seconds: "5" }],
    [{ seconds: null }],
    [[1, NaN]],
    [[NaN, 1]],
    [[undefined, 1]],
    [[]],
    [[1]],
    [[1, 2, 3]],
    [["1", "2"]],
    [new Date(0)],
    [() => 5],
    [Symbol("5")]
  ])("is nothing else: %o", (input) => {
    expect(Fields.durationOf(input)).toBeUndefined()
  })
})

describe("the schemas of durations", () => {
  const { DelayDuration, FiniteDuration, LimitDuration, PositiveDuration } = Fields
  it.each([
    [-1, [false, false, false, false]],
    [0, [false, false, true, true]],
    [0.001, [true, true, true, true]],
    ["1 nano", [true, true, true, true]],
    ["1 week", [true, true, true, true]],
    [Infinity, [true, false, false, true]],
    ["-Infinity", [false, false, false, false]],
    ["soon", [false, false, false, false]]
  ])("tell what makes sense as a time, a finite time, a delay and a limit: %s", (input, expected) => {
    const schemas = [PositiveDuration, FiniteDuration, DelayDuration, LimitDuration]
    expect(schemas.map((schema) => accepts(schema, input))).toEqual(expected)
  })

  it("decode to a duration and encode to one", () => {
    expect(Schema.decodeUnknownSync(PositiveDuration)("2 seconds")).toEqual(Duration.seconds(2))
    expect(Schema.encodeUnknownSync(PositiveDuration)(Duration.seconds(2))).toEqual(Duration.seconds(2))
  })
})

describe("the schemas of numbers", () => {
  const { Factor, NonNegative, NonNegativeInt, PositiveInt, Rate, Share } = Fields
  it.each([
    [-1, [false, false, false, false, false, false]],
    [-0.1, [false, false, false, false, false, false]],
    [0, [false, true, true, false, false, true]],
    [0.5, [false, false, true, false, true, true]],
    [1, [true, true, true, true, true, true]],
    [1.5, [false, false, true, true, false, false]],
    [2, [true, true, true, true, false, false]],
    [Number.MAX_SAFE_INTEGER, [true, true, true, true, false, false]],
    [Number.MAX_SAFE_INTEGER + 1, [false, false, true, true, false, false]],
    [Infinity, [false, false, false, false, false, false]],
    [NaN, [false, false, false, false, false, false]],
    ["1", [false, false, false, false, false, false]],
    [null, [false, false, false, false, false, false]]
  ])("tell what makes sense as a count, a size, an amount, a growth, a rate and a share: %s", (input, expected) => {
    const schemas = [PositiveInt, NonNegativeInt, NonNegative, Factor, Rate, Share]
    expect(schemas.map((schema) => accepts(schema, input))).toEqual(expected)
  })
})

const Inner = Schema.Struct({
  window: Fields.defaulted(Fields.FiniteDuration, Duration.seconds(10), { description: "A window" }),
  ratio: Fields.optional(Fields.Share, { description: "A ratio" })
})
const Options = Schema.Struct({
  limit: Fields.defaulted(Fields.PositiveInt, 10, { description: "A limit", variable: "LIMIT_OF_IT" }),
  mode: Fields.defaulted(Schema.Literals(["on", "off"]), "on", {
    description: "A mode",
    off: { variable: "ENABLED", value: "off" }
  }),
  always: Fields.group(Inner, { description: "A group that is there" }),
  maybe: Fields.optionalGroup(Inner, { description: "A group that can be there" })
})
const readable: Fields.Readable<typeof Options> = {
  options: Options,
  ineffective: [
    {
      option: "limit",
      others: ["mode"],
      check: ({ mode }) => (mode === "off" ? 'Expected only with mode "on"' : undefined)
    }
  ]
}

describe("decoding", () => {
  const decode = (input: unknown) => Fields.decode(Options, input)

  it("fills in what is missing, but no group that may be left out", () => {
    const always = { window: Duration.seconds(10) }
    expect(decode({})).toEqual(Result.succeed({ limit: 10, mode: "on", always }))
    expect(decode({ maybe: {} })).toEqual(Result.succeed({ limit: 10, mode: "on", always, maybe: always }))
  })

  it("keeps durations as they are at every depth", () => {
    const window = Duration.seconds(3)
    expect(decode({ always: { window }, maybe: { window } })).toMatchObject({
      success: { always: { window }, maybe: { window } }
    })
  })

  it("takes undefined for missing at every depth", () => {
    const input = { limit: undefined, always: { window: undefined, ratio: undefined }, maybe: undefined }
    expect(decode(input)).toEqual(decode({}))
  })

  it("leaves the input as it is", () => {
    const input = Object.freeze({ limit: undefined, always: Object.freeze({ ratio: 0.5 }) })
    expect(Result.isSuccess(decode(input))).toBe(true)
    expect(input).toEqual({ limit: undefined, always: { ratio: 0.5 } })
  })

  it("tells of every problem where it is, what was expected, and what was there", () => {
    expect(decode({ limit: 0, mode: "perhaps", always: { ratio: 2 }, maybe: { window: "soon" } })).toEqual(
      Result.fail([
        { path: ["limit"], message: "Expected a whole number of at least 1", actual: 0 },
        { path: ["mode"], message: 'Expected "on" | "off"', actual: "perhaps" },
        {
          path: ["always", "ratio"],
          message: "Expected a share between 0 and 1 (0.5 means 50 %)",
          actual: 2
        },
        { path: ["maybe", "window"], message: 'Expected a duration such as "500 millis"', actual: "soon" }
      ])
    )
  })

  it.each([[null], [5], ["limit"], [[]], [true]])("refuses what is no record: %o", (input) => {
    expect(Result.getFailure(decode(input))).toMatchObject({ value: [{ path: [], actual: input }] })
  })

  it("refuses a record for a duration, and a duration for a record", () => {
    expect(accepts(Options, { always: { window: {} } })).toBe(false)
    expect(accepts(Options, { always: Duration.seconds(1) })).toBe(false)
  })

  it("refuses options that nobody knows, with the nearest known one", () => {
    expect(Result.getFailure(decode({ limits: 5 }))).toMatchObject({
      value: [{ path: ["limits"], message: 'Expected no such option (did you mean "limit"?)', actual: 5 }]
    })
    expect(Result.getFailure(decode({ colour: 5 }))).toMatchObject({
      value: [{ path: ["colour"], message: "Expected no such option", actual: 5 }]
    })
  })

  it("refuses what contains itself", () => {
    const endless: Record<string, unknown> = {}
    endless["window"] = endless
    expect(Result.getFailure(decode({ always: endless }))).toMatchObject({
      value: [{ path: ["always", "window"], actual: endless }]
    })
  })

  it("has no suggestion for what is in a list", () => {
    const list = Schema.Struct({ all: Schema.Array(Inner) })
    expect(Result.getFailure(Fields.decode(list, { all: [{ windw: 5 }] }))).toMatchObject({
      value: [{ path: ["all", "0", "windw"], message: "Expected no such option", actual: 5 }]
    })
  })

  it.each(["always", "maybe"])("suggests the nearest option of the same group: %s", (group) => {
    const complaint = (name: string, message: string) => ({
      value: [{ path: [group, name], message: `Expected no such option${message}`, actual: 5 }]
    })
    const failureOf = (name: string) => Result.getFailure(decode({ [group]: { [name]: 5 } }))
    expect(failureOf("windw")).toMatchObject(complaint("windw", ' (did you mean "window"?)'))
    expect(failureOf("limit")).toMatchObject(complaint("limit", ""))
  })
})

describe("an option without effect", () => {
  const decode = (input: unknown, written: Iterable<string>) => Fields.decodeEffective(readable, input, written)

  it("is a problem where it was written", () => {
    expect(decode({ mode: "off", limit: 5 }, ["mode", "limit"])).toEqual(
      Result.fail([{ path: ["limit"], message: 'Expected only with mode "on"', actual: 5 }])
    )
  })

  it("is none where it comes from elsewhere, or was written as undefined", () => {
    expect(Result.isSuccess(decode({ mode: "off", limit: 5 }, ["mode"]))).toBe(true)
    expect(Result.isSuccess(decode({ mode: "off", limit: undefined }, ["mode", "limit"]))).toBe(true)
    expect(Result.isSuccess(decode({ mode: "on", limit: 5 }, ["mode", "limit"]))).toBe(true)
  })

  it("is reported together with what is wrong elsewhere", () => {
    const written = { mode: "off", limit: 5, always: { ratio: 2 } }
    expect(Result.getFailure(decode(written, Object.keys(written)))).toMatchObject({
      value: [{ path: ["always", "ratio"] }, { path: ["limit"], message: 'Expected only with mode "on"' }]
    })
  })

  it("is not looked for where it is wrong by itself, or what decides about it", () => {
    for (const written of [
      { mode: "off", limit: 0 },
      { mode: "perhaps", limit: 5 }
    ]) {
      expect(Result.getFailure(decode(written, ["mode", "limit"]))).toMatchObject({
        value: [{ actual: expect.anything() }]
      })
    }
  })
})

describe("an option that is needed", () => {
  const Needy = Schema.Struct({
    needed: Fields.PositiveInt.pipe(Schema.annotateKey({ description: "A number without a default" })),
    ...Options.fields
  })
  const needy: Fields.Readable<typeof Needy> = {
    options: Needy,
    ineffective: [
      {
        option: "limit",
        others: ["mode"],
        check: ({ mode }) => (mode === "off" ? 'Expected only with mode "on"' : undefined)
      }
    ]
  }

  it("is all that is reported when it is wrong: without it, nothing can be said about the others", () => {
    const written = { needed: 0, mode: "off", limit: 5 }
    expect(Fields.decodeEffective(needy, written, Object.keys(written))).toEqual(
      Result.fail([{ path: ["needed"], message: "Expected a whole number of at least 1", actual: 0 }])
    )
  })
})

describe("options that do not fit each other", () => {
  const inOrder = (option: "middle" | "high", other: "low" | "middle") => ({
    option,
    others: [other],
    check: (options: Record<"low" | "middle" | "high", number>) =>
      options[option] < options[other] ? `Expected at least ${other}` : undefined
  })
  const field = (value: number) => Fields.defaulted(Fields.PositiveInt, value, { description: "A limit" })
  const Limits = Fields.related(Schema.Struct({ low: field(1), middle: field(2), high: field(3) }), [
    inOrder("middle", "low"),
    inOrder("high", "middle")
  ])
  const wrong = (input: unknown) => {
    const decoded = Fields.decode(Limits, input)
    return Result.isSuccess(decoded) ? [] : decoded.failure.map(({ message, path }) => `${path.join(".")}: ${message}`)
  }

  it("are all named at once", () => {
    expect(wrong({ low: 5, middle: 5, high: 5 })).toEqual([])
    expect(wrong({ low: 5, middle: 4, high: 3 })).toEqual([
      "middle: Expected at least low",
      "high: Expected at least middle"
    ])
  })

  it("are named together with one that is wrong by itself", () => {
    expect(wrong({ low: 0, middle: 4, high: 3 })).toEqual([
      "low: Expected a whole number of at least 1",
      "high: Expected at least middle"
    ])
    expect(wrong({ low: 5, middle: 3, height: 3 })).toEqual([
      'height: Expected no such option (did you mean "high"?)',
      "middle: Expected at least low"
    ])
  })

  it("are not compared with one that is wrong by itself, nor with its default", () => {
    expect(wrong({ low: 5, middle: 0, high: 1 })).toEqual(["middle: Expected a whole number of at least 1"])
  })

  it("are compared when only an option of the same name in a group is wrong", () => {
    const relations = [inOrder("middle", "low")]
    const group = Fields.optionalGroup(Schema.Struct({ low: field(1) }), { description: "A group" })
    const Grouped = Fields.related(Schema.Struct({ low: field(1), middle: field(2), high: field(3), group }), relations)
    const decoded = Fields.decode(Grouped, { low: 5, middle: 4, group: { low: 0 } })
    expect(Result.getFailure(decoded)).toMatchObject({
      value: [{ path: ["group", "low"] }, { path: ["middle"], message: "Expected at least low" }]
    })
  })

  it("are refused by the schema itself, too", () => {
    expect(accepts(Limits, { low: 3 })).toBe(false)
    expect(accepts(Limits, { low: 2 })).toBe(true)
  })
})

describe("options given in code", () => {
  it("are returned when they make sense", () => {
    expect(Fields.decodeOrThrow("X.make", readable, { limit: 5 })).toMatchObject({ limit: 5, mode: "on" })
  })

  it("throw one line for every problem", () => {
    expect(() => Fields.decodeOrThrow("X.make", readable, { limit: "5", maybe: { ratio: -1 } })).toThrow(
      new Error(
        "X.make: invalid options\n" +
          '  limit: expected number, got "5"\n' +
          "  maybe.ratio: expected a share between 0 and 1 (0.5 means 50 %), got -1"
      )
    )
    expect(() => Fields.decodeOrThrow("X.make", readable, { mode: "off", limit: 5 })).toThrow(
      'X.make: invalid options\n  limit: expected only with mode "on", got 5'
    )
  })

  it("are called options when it is the whole that is wrong", () => {
    expect(Fields.render({ path: [], message: "Expected object", actual: null })).toBe(
      "  options: expected object, got null"
    )
  })
})

describe("a value in a message", () => {
  it.each([
    ["text", '"text"'],
    ["", '""'],
    [5, "5"],
    [NaN, "NaN"],
    [undefined, "undefined"],
    [null, "null"],
    [true, "true"],
    [5n, "5"],
    [{ a: 1 }, '{"a":1}'],
    [[1, "b"], '[1,"b"]'],
    [Duration.millis(1_500), "1s 500ms"],
    [Duration.infinity, "Infinity"],
    [{ limit: 5n }, "[object Object]"]
  ])("is shown as a person would write it: %o", (value, shown) => {
    expect(Fields.show(value)).toBe(shown)
  })
})

describe("what is said about an option", () => {
  it("can be read from its field", () => {
    expect(Fields.aboutOf(Options.fields.limit)).toEqual({ description: "A limit", variable: "LIMIT_OF_IT" })
    expect(Fields.aboutOf(Options.fields.mode)).toMatchObject({ off: { variable: "ENABLED", value: "off" } })
    expect(Fields.aboutOf(Options.fields.always).group).toBe(Inner)
    expect(Fields.aboutOf(Options.fields.maybe).group).toBe(Inner)
    expect(Fields.aboutOf(Schema.String)).toEqual({})
  })
})

describe("a name", () => {
  it.each([
    ["default", true],
    ["defaults", true],
    ["defalt", true],
    ["defauld", true],
    ["defualt", true],
    ["fault", false],
    ["defulats", false],
    ["defaulten", false],
    ["tluafed", false],
    ["", false]
  ])("may be a slip of another: %s is one of default: %s", (name, expected) => {
    expect(isNearly(name, "default")).toBe(expected)
  })
})

describe("the nearest name", () => {
  const known = ["maxAttempts", "baseDelay", "factor", "jitter", "ttl"]

  it.each([
    ["maxAttempts", "maxAttempts"],
    ["maxattempts", "maxAttempts"],
    ["maxAttempt", "maxAttempts"],
    ["axAttempts", "maxAttempts"],
    ["maxxAttempts", "maxAttempts"],
    ["maxAtempst", "maxAttempts"],
    ["max_attempts", "maxAttempts"],
    ["FACTOR", "factor"],
    ["factr", "factor"],
    ["jiter", "jitter"],
    ["tt", "ttl"],
    ["t", "ttl"]
  ])("is that of a slip: %s", (name, expected) => {
    expect(nearest(name, known)).toBe(expected)
  })

  it.each([["colour"], ["timeout"], ["delay"], ["attempts"], [""], ["retries"]])(
    "is none for another word: %s",
    (name) => {
      expect(nearest(name, known)).toBeUndefined()
    }
  )

  it("may differ in a third of its letters, and in two letters when it is short", () => {
    expect(nearest("abcdefghi", ["abcdefxyz"])).toBe("abcdefxyz")
    expect(nearest("abcdefghi", ["abcdewxyz"])).toBeUndefined()
    expect(nearest("abcde", ["abcxy"])).toBe("abcxy")
    expect(nearest("abcde", ["abxyz"])).toBeUndefined()
  })

  it("is the first of several that are as near", () => {
    expect(nearest("cat", ["car", "can"])).toBe("car")
    expect(nearest("cat", ["cor", "can"])).toBe("can")
    expect(nearest("cat", [])).toBeUndefined()
  })

  const Word = Arbitrary.map(
    Arbitrary.array(Arbitrary.schema(Schema.Literals(["a", "b", "c"])), { maxLength: 6 }),
    (all) => all.join("")
  )
  it.prop(
    "is never further away than any other known one",
    { name: Word, known: Arbitrary.array(Word, { maxLength: 4 }) },
    ({ known, name }) => {
      const distance = (from: string, to: string): number => {
        if (from === "" || to === "") return from.length + to.length
        const [a, b] = [from.slice(1), to.slice(1)]
        if (from[0] === to[0]) return distance(a, b)
        return 1 + Math.min(distance(a, b), distance(a, to), distance(from, b))
      }
      const found = nearest(name, known)
      const distances = known.map((one) => distance(name, one))
      const least = Math.min(...distances)
      expect(found).toBe(least <= 2 ? known[distances.indexOf(least)] : undefined)
    },
    { arbitrary: { runs: 500, seed: 9 } }
  )
})
