import { describe, expect, it } from "@effect/vitest"
import { type Duration, Effect } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  Fallback,
  Pipeline,
  type Policy,
  Resilience,
  Retry,
  Timeout
} from "../../src/index.ts"

const fallback = Fallback.makeUnsafe(() => Effect.succeed("instead"))
const deadline = Deadline.makeUnsafe({ duration: "30 seconds" })
const retry = Retry.makeUnsafe({ budget: {} })
const breaker = CircuitBreaker.makeUnsafe()
const bulkhead = Bulkhead.makeUnsafe({ queueTimeout: "1 second" })
const timeout = Timeout.makeUnsafe({ duration: "5 seconds" })

const probing = (probeTimeout: Duration.Input) => CircuitBreaker.makeUnsafe({ probeTimeout })

const noQueue = Bulkhead.makeUnsafe({ maxQueue: 0 })
const shut = Bulkhead.makeUnsafe({ queueTimeout: "1 second" })
Effect.runSync(shut.resize(0))
const oneAttempt = Retry.makeUnsafe({ maxAttempts: 1 })
const noBudget = Retry.makeUnsafe()
const observer = CircuitBreaker.makeUnsafe({ mode: "observe" })
const disabled = CircuitBreaker.makeUnsafe({ mode: "disabled" })
const noDeadline = Deadline.makeUnsafe()
const noTimeout = Timeout.makeUnsafe({ duration: "Infinity" })

type Parts = ReadonlyArray<Policy.Instance>

const find = (rule: string, parts: Parts): Pipeline.Finding | undefined =>
  Pipeline.lint(parts).find((finding) => finding.rule === rule)
const rulesOf = (parts: Parts): ReadonlyArray<string> => Pipeline.lint(parts).map(({ rule }) => rule)

interface Case {
  readonly rule: string
  readonly severity: "error" | "warning"
  readonly about: ReadonlyArray<string>
  readonly reason: string
  readonly harmful: ReadonlyArray<Parts>
  readonly harmless: ReadonlyArray<Parts>
}

const cases: ReadonlyArray<Case> = [
  {
    rule: "fallback-inside-retry",
    severity: "error",
    about: ["retry", "fallback"],
    reason: "nothing is ever retried",
    harmful: [
      [retry, fallback],
      [retry, breaker, timeout, fallback],
      [fallback, retry, fallback]
    ],
    harmless: [[fallback, retry], [fallback], [retry], [oneAttempt, fallback]]
  },
  {
    rule: "fallback-inside-circuit-breaker",
    severity: "error",
    about: ["circuit-breaker", "fallback"],
    reason: "never opens",
    harmful: [
      [breaker, fallback],
      [breaker, bulkhead, fallback, timeout]
    ],
    harmless: [[fallback, breaker], [breaker], [fallback]]
  },
  {
    rule: "bulkhead-inside-timeout",
    severity: "error",
    about: ["timeout", "bulkhead"],
    reason: "time in our own queue counts as a slow dependency",
    harmful: [
      [timeout, bulkhead],
      [timeout, bulkhead, timeout],
      [timeout, noQueue, bulkhead]
    ],
    harmless: [
      [bulkhead, timeout],
      [deadline, bulkhead],
      [timeout, noQueue],
      [bulkhead, timeout, noQueue],
      [noTimeout, bulkhead]
    ]
  },
  {
    rule: "retry-inside-timeout",
    severity: "error",
    about: ["timeout", "retry"],
    reason: "Use a deadline outside and a timeout inside",
    harmful: [
      [timeout, retry],
      [timeout, retry, timeout]
    ],
    harmless: [
      [retry, timeout],
      [deadline, retry],
      [timeout, oneAttempt],
      [noTimeout, retry]
    ]
  },
  {
    rule: "retry-inside-bulkhead",
    severity: "warning",
    about: ["bulkhead", "retry"],
    reason: "keeps its permit while it waits",
    harmful: [
      [bulkhead, retry],
      [noQueue, retry]
    ],
    harmless: [
      [retry, bulkhead],
      [bulkhead, oneAttempt]
    ]
  },
  {
    rule: "circuit-breaker-inside-bulkhead",
    severity: "warning",
    about: ["bulkhead", "circuit-breaker"],
    reason: "only to be rejected by an open circuit",
    harmful: [[bulkhead, breaker]],
    harmless: [
      [breaker, bulkhead],
      [noQueue, breaker]
    ]
  },
  {
    rule: "retry-inside-circuit-breaker",
    severity: "warning",
    about: ["circuit-breaker", "retry"],
    reason: "sees calls instead of attempts",
    harmful: [[breaker, retry]],
    harmless: [
      [retry, breaker],
      [breaker, oneAttempt]
    ]
  },
  {
    rule: "deadline-inside-retry",
    severity: "warning",
    about: ["retry", "deadline"],
    reason: "each attempt gets it anew",
    harmful: [
      [retry, deadline],
      [deadline, retry, deadline]
    ],
    harmless: [
      [deadline, retry],
      [retry, noDeadline],
      [oneAttempt, deadline]
    ]
  },
  {
    rule: "retry-without-limit",
    severity: "warning",
    about: ["retry"],
    reason: "they multiply its load",
    harmful: [
      [noBudget],
      [noBudget, timeout],
      [retry, noBudget],
      [noDeadline, noBudget],
      [breaker, noBudget],
      [noBudget, observer],
      [noBudget, disabled],
      [noBudget, deadline],
      [Retry.makeUnsafe({ budget: { enabled: false } })],
      [Retry.makeUnsafe({ maxAttempts: 2, overload: { maxAttempts: 2 } })]
    ],
    harmless: [
      [retry],
      [noBudget, breaker],
      [noBudget, observer, breaker],
      [deadline, noBudget],
      [oneAttempt],
      [timeout],
      []
    ]
  },
  {
    rule: "breaker-without-timeout",
    severity: "warning",
    about: ["circuit-breaker"],
    reason: "a call that hangs never counts as failed",
    harmful: [[breaker], [timeout, breaker], [breaker, deadline], [breaker, noTimeout], [noDeadline, breaker]],
    harmless: [[breaker, timeout], [deadline, breaker], [timeout], []]
  },
  {
    rule: "duplicate",
    severity: "warning",
    about: [],
    reason: "There is more than one of: timeout.",
    harmful: [
      [timeout, timeout],
      [timeout, bulkhead, Timeout.makeUnsafe()]
    ],
    harmless: [
      [fallback, fallback],
      [timeout, deadline],
      [timeout, noTimeout]
    ]
  },
  {
    rule: "timeout-beyond-deadline",
    severity: "warning",
    about: ["deadline", "timeout"],
    reason: "An attempt may take 30s, all of the call 5s",
    harmful: [[Deadline.makeUnsafe({ duration: "5 seconds" }), Timeout.makeUnsafe({ duration: "30 seconds" })]],
    harmless: [
      [deadline, timeout],
      [timeout, Deadline.makeUnsafe({ duration: "1 second" })],
      [noDeadline, noTimeout]
    ]
  },
  {
    rule: "slow-beyond-timeout",
    severity: "warning",
    about: ["circuit-breaker", "timeout"],
    reason: "the timeout ends it after 5s",
    harmful: [
      [CircuitBreaker.makeUnsafe({ tripPolicy: "count-window", slowCallDuration: "5 seconds" }), timeout],
      [CircuitBreaker.makeUnsafe({ tripPolicy: "count-window", slowCallDuration: "6 seconds" }), timeout]
    ],
    harmless: [
      [CircuitBreaker.makeUnsafe({ tripPolicy: "count-window", slowCallDuration: "4999 millis" }), timeout],
      [breaker, timeout],
      [timeout, CircuitBreaker.makeUnsafe({ tripPolicy: "count-window", slowCallDuration: "6 seconds" })]
    ]
  },
  {
    rule: "probe-shorter-than-timeout",
    severity: "warning",
    about: ["circuit-breaker", "timeout"],
    reason: "A probe counts as failed after 4s 999ms, but may take ",
    harmful: [
      [probing("4999 millis"), timeout],
      [probing("4999 millis"), Bulkhead.makeUnsafe({ queueTimeout: "1 millis" }), timeout],
      [probing("4999 millis"), bulkhead, Timeout.makeUnsafe({ duration: "4 seconds" })],
      [Deadline.makeUnsafe({ duration: "5 seconds" }), probing("4999 millis"), Bulkhead.makeUnsafe(), timeout],
      [probing("4999 millis"), Timeout.makeUnsafe({ duration: "1 second", firstElement: "5 seconds" })],
      [probing("4999 millis"), Timeout.makeUnsafe({ duration: "1 second", idle: "5 seconds" })],
      [probing("4999 millis"), Timeout.makeUnsafe({ duration: "5 seconds", firstElement: 1, idle: 1 })],
      [probing("4999 millis"), Timeout.makeUnsafe({ duration: "5 seconds", firstElement: Infinity })],
      [Timeout.makeUnsafe({ duration: "4 seconds", idle: "6 seconds" }), probing("4999 millis"), timeout]
    ],
    harmless: [
      [probing("5 seconds"), timeout],
      [Deadline.makeUnsafe({ duration: "5 seconds" }), probing("4999 millis")],
      [Timeout.makeUnsafe({ duration: "4 seconds" }), probing("4999 millis"), timeout],
      [breaker, timeout],
      [timeout, probing("1 second")],
      [probing("6 seconds"), bulkhead, timeout],
      [probing("5 seconds"), noQueue, timeout],
      [bulkhead, probing("5 seconds"), timeout],
      [Deadline.makeUnsafe({ duration: "5 seconds" }), probing("5 seconds"), bulkhead, timeout],
      [probing("5 seconds"), Bulkhead.makeUnsafe(), timeout],
      [probing("1 second"), bulkhead],
      [
        probing("5 seconds"),
        Timeout.makeUnsafe({ duration: "1 second", firstElement: "5 seconds", idle: "5 seconds" })
      ],
      [
        Deadline.makeUnsafe({ duration: "4 seconds" }),
        probing("4 seconds"),
        Timeout.makeUnsafe({ duration: "1 second", firstElement: "5 seconds" })
      ]
    ]
  },
  {
    rule: "queue-without-limit",
    severity: "warning",
    about: ["bulkhead"],
    reason: "neither a queueTimeout nor a deadline outside",
    harmful: [
      [Bulkhead.makeUnsafe()],
      [bulkhead, Bulkhead.makeUnsafe()],
      [Bulkhead.makeUnsafe(), deadline],
      [noDeadline, Bulkhead.makeUnsafe()],
      [Bulkhead.makeUnsafe({ queueTimeout: "Infinity" })]
    ],
    harmless: [[bulkhead], [noQueue], [deadline, Bulkhead.makeUnsafe()], [breaker, timeout]]
  },
  {
    rule: "bulkhead-without-permits",
    severity: "error",
    about: ["bulkhead"],
    reason: "nobody gets in until it is raised",
    harmful: [[shut], [deadline, shut], [bulkhead, shut]],
    harmless: [[bulkhead], [noQueue], [breaker, timeout]]
  }
]

describe.each(cases)("$rule", ({ about, harmful, harmless, reason, rule, severity }) => {
  it("is found where it does harm, with the reason", () => {
    for (const parts of harmful) {
      const finding = find(rule, parts)
      expect(finding).toMatchObject({ rule, severity, parts: about })
      expect(finding?.message).toContain(reason)
    }
  })

  it("is not found where it does none", () => {
    for (const parts of harmless) expect(rulesOf(parts)).not.toContain(rule)
  })
})

describe("lint", () => {
  it("has nothing against an empty pipeline", () => {
    expect(Pipeline.lint([])).toEqual([])
    expect(Pipeline.lint(Pipeline.makeUnsafe({}))).toEqual([])
  })

  it("has nothing against the recommended order with sensible numbers", () => {
    const all = Pipeline.makeUnsafe({
      fallback: () => Effect.succeed("instead"),
      deadline: "30 seconds",
      retry: {},
      circuitBreaker: {},
      bulkhead: {},
      timeout: "5 seconds"
    })
    expect(Pipeline.lint(all)).toEqual([])
  })

  it("has nothing against any part of the recommended order", () => {
    const all = [fallback, deadline, retry, breaker, bulkhead, timeout]
    for (let bits = 0; bits < 64; bits++) {
      const parts = all.filter((_, at) => (bits & (2 ** at)) !== 0)
      const isMissingTimeout = parts.includes(breaker) && !parts.includes(timeout) && !parts.includes(deadline)
      expect(rulesOf(parts)).toEqual(isMissingTimeout ? ["breaker-without-timeout"] : [])
    }
  })

  it.effect("has nothing against the default of protect", () =>
    Effect.gen(function* () {
      const pipeline = yield* Resilience.pipeline("llm")
      expect(pipeline?.parts).toHaveLength(4)
      expect(rulesOf(pipeline?.parts ?? [])).toEqual([])
    }).pipe(Effect.provide(Resilience.layer()))
  )

  it("takes a pipeline or its parts", () => {
    const parts = [breaker, retry]
    expect(Pipeline.lint(Pipeline.inOrder(parts))).toEqual(Pipeline.lint(parts))
    expect(rulesOf(parts)).toContain("retry-inside-circuit-breaker")
  })

  it("finds everything that is wrong at once, errors of order first", () => {
    expect(rulesOf([timeout, Bulkhead.makeUnsafe(), breaker, noBudget, fallback])).toEqual([
      "fallback-inside-retry",
      "fallback-inside-circuit-breaker",
      "bulkhead-inside-timeout",
      "retry-inside-timeout",
      "retry-inside-bulkhead",
      "circuit-breaker-inside-bulkhead",
      "retry-inside-circuit-breaker",
      "retry-without-limit",
      "breaker-without-timeout",
      "queue-without-limit"
    ])
  })

  it("says of the reverse of the recommended order what is wrong with it", () => {
    const reversed = [timeout, bulkhead, breaker, retry, deadline, fallback]
    expect(Pipeline.lint(reversed).filter(({ severity }) => severity === "error")).toHaveLength(4)
  })

  it("names each kind that is there more than once, and warns of nested retries", () => {
    expect(find("duplicate", [retry, breaker, retry, breaker, timeout])?.message).toBe(
      "There is more than one of: retry, circuit-breaker. The attempts of nested retries multiply."
    )
    expect(find("duplicate", [breaker, breaker])?.message).toBe("There is more than one of: circuit-breaker.")
    expect(find("duplicate", [breaker, breaker, breaker])?.message).toBe("There is more than one of: circuit-breaker.")
  })

  it("looks at the mode in which a breaker is now", () => {
    const switched = CircuitBreaker.makeUnsafe()
    Effect.runSync(switched.setMode("observe"))
    expect(rulesOf([noBudget, switched])).toContain("retry-without-limit")
    Effect.runSync(switched.setMode("enforce"))
    expect(rulesOf([noBudget, switched])).not.toContain("retry-without-limit")
  })

  it("compares the shortest of several time limits", () => {
    const short = Timeout.makeUnsafe({ duration: "2 seconds" })
    const long = Timeout.makeUnsafe({ duration: "1 minute" })
    expect(rulesOf([deadline, long, short])).not.toContain("timeout-beyond-deadline")
    const tight = Deadline.makeUnsafe({ duration: "1 second" })
    expect(find("timeout-beyond-deadline", [deadline, tight, long, short])?.message).toContain(
      "An attempt may take 2s, all of the call 1s"
    )
  })

  it("a timeout as long as the deadline is one attempt that uses up everything", () => {
    const same = Timeout.makeUnsafe({ duration: "30 seconds" })
    expect(rulesOf([deadline, same])).toEqual(["timeout-beyond-deadline"])
  })

  it("looks into pipelines that are parts of others", () => {
    const inner = Pipeline.makeUnsafe({ retry: { budget: {} }, timeout: "5 seconds" })
    expect(rulesOf([breaker, inner])).toEqual(["retry-inside-circuit-breaker"])
    expect(rulesOf([retry, Pipeline.inOrder([inner])])).toEqual(["duplicate"])
    expect(rulesOf([deadline, Pipeline.inOrder([breaker, Pipeline.inOrder([timeout])])])).toEqual([])
  })
})
