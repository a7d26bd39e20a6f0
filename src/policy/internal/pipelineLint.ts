/**
 * What is harmful about the order, or the numbers, of a pipeline.
 */
import * as Duration from "effect/Duration"
import type * as Policy from "../Policy.ts"
import {
  flatten,
  isBulkhead,
  isCircuitBreaker,
  isDeadline,
  isRetry,
  isTimeout,
  limitMillis,
  limitMillisOfAny,
  longestMillis,
  queueMillis
} from "./pipelineParts.ts"

/** One thing that is wrong, with the reason. `parts` are the kinds that it is about. */
export interface Finding {
  readonly rule: string
  readonly severity: "error" | "warning"
  readonly message: string
  readonly parts: ReadonlyArray<string>
}

/** What a rule looks at: parts in their order, the outermost first. */
interface Parts {
  readonly list: ReadonlyArray<Policy.Instance>
  /** Whether a part of the first kind is somewhere around one of the second. */
  readonly isAround: (outer: string, inner: string) => boolean
  readonly has: (kind: string) => boolean
}

interface Rule {
  readonly name: string
  readonly severity: Finding["severity"]
  readonly parts: ReadonlyArray<string>
  /** The reason, if the rule is broken. */
  readonly check: (parts: Parts) => string | undefined
}

const orderRule = (outer: string, inner: string, severity: Finding["severity"], message: string): Rule => ({
  name: `${inner}-inside-${outer}`,
  severity,
  parts: [outer, inner],
  check: ({ isAround }) => (isAround(outer, inner) ? message : undefined)
})

/** A rule about calls that wait for a permit: a bulkhead without a queue is none of its business. */
const aboutQueues = (rule: Rule): Rule => ({
  ...rule,
  check: ({ list }) => rule.check(partsOf(list.filter((part) => !isBulkhead(part) || queueMillis(part) > 0)))
})

/** A breaker that only observes, or does nothing, turns no call away. */
const turnsAway = (part: Policy.Instance): boolean => !isCircuitBreaker(part) || part.snapshot(0).mode === "enforce"

const rules: ReadonlyArray<Rule> = [
  orderRule(
    "retry",
    "fallback",
    "error",
    "The fallback is inside the retry: it turns every failure into a success, so nothing is ever retried."
  ),
  orderRule(
    "circuit-breaker",
    "fallback",
    "error",
    "The fallback is inside the circuit breaker: the breaker sees only successes and never opens."
  ),
  aboutQueues(
    orderRule(
      "timeout",
      "bulkhead",
      "error",
      "The timeout is around the bulkhead: time in our own queue counts as a slow dependency, and opens the breaker of a healthy one."
    )
  ),
  orderRule(
    "timeout",
    "retry",
    "error",
    "The timeout is around the retry: it limits all attempts together and leaves a single one without a limit. Use a deadline outside and a timeout inside."
  ),
  orderRule(
    "bulkhead",
    "retry",
    "warning",
    "The bulkhead is around the retry: a call keeps its permit while it waits for the next attempt."
  ),
  aboutQueues(
    orderRule(
      "bulkhead",
      "circuit-breaker",
      "warning",
      "The bulkhead is around the circuit breaker: calls wait for a permit only to be rejected by an open circuit."
    )
  ),
  orderRule(
    "circuit-breaker",
    "retry",
    "warning",
    "The circuit breaker is around the retry: it sees calls instead of attempts, so it opens late and does not stop a loop that runs."
  ),
  orderRule(
    "retry",
    "deadline",
    "warning",
    "The deadline is inside the retry: each attempt gets it anew, and nothing limits the total."
  ),
  {
    name: "retry-without-limit",
    severity: "warning",
    parts: ["retry"],
    check: ({ isAround, list }) => {
      const isStopped = partsOf(list.filter(turnsAway)).isAround("retry", "circuit-breaker")
      if (isStopped || isAround("deadline", "retry")) return undefined
      const isLimited = list.filter(isRetry).every(({ options }) => options.budget?.enabled === true)
      return isLimited
        ? undefined
        : "Nothing stops the retries: there is no circuit breaker inside that turns calls away, no deadline outside, and no budget. When the dependency is down, they multiply its load."
    }
  },
  {
    name: "breaker-without-timeout",
    severity: "warning",
    parts: ["circuit-breaker"],
    check: ({ has, isAround }) =>
      has("circuit-breaker") && !isAround("circuit-breaker", "timeout") && !isAround("deadline", "circuit-breaker")
        ? "The circuit breaker has no timeout inside: a call that hangs never counts as failed."
        : undefined
  },
  {
    name: "duplicate",
    severity: "warning",
    parts: [],
    check: ({ list }) => {
      const kinds = list.map(({ kind }) => kind).filter((kind) => kind !== "fallback")
      const twice = [...new Set(kinds.filter((kind, at) => kinds.indexOf(kind) !== at))]
      if (twice.length === 0) return undefined
      const retries = twice.includes("retry") ? " The attempts of nested retries multiply." : ""
      return `There is more than one of: ${twice.join(", ")}.${retries}`
    }
  },
  {
    name: "timeout-beyond-deadline",
    severity: "warning",
    parts: ["deadline", "timeout"],
    check: ({ isAround, list }) => {
      if (!isAround("deadline", "timeout")) return undefined
      const deadline = shortest(list.filter(isDeadline).map((part) => part.snapshot(0).duration))
      const timeout = shortest(list.filter(isTimeout).map((part) => part.snapshot(0).duration))
      return Duration.isLessThan(timeout, deadline)
        ? undefined
        : `An attempt may take ${Duration.format(timeout)}, all of the call ${Duration.format(deadline)}: one attempt can use up everything, and is never retried.`
    }
  },
  {
    name: "slow-beyond-timeout",
    severity: "warning",
    parts: ["circuit-breaker", "timeout"],
    check: ({ isAround, list }) => {
      if (!isAround("circuit-breaker", "timeout")) return undefined
      const timeout = shortest(list.filter(isTimeout).map((part) => part.snapshot(0).duration))
      const slow = list.filter(isCircuitBreaker).flatMap(({ options }) => options.slowCallDuration ?? [])
      return slow.some((duration) => !Duration.isLessThan(duration, timeout))
        ? `No call can be slow: a slow one takes longer than slowCallDuration, and the timeout ends it after ${Duration.format(timeout)}.`
        : undefined
    }
  },
  {
    name: "probe-shorter-than-timeout",
    severity: "warning",
    parts: ["circuit-breaker", "timeout"],
    check: ({ isAround, list }) => {
      if (!isAround("circuit-breaker", "timeout")) return undefined
      const at = list.findIndex(isCircuitBreaker)
      const outside = list.slice(0, at).map(limitMillisOfAny)
      const attempt = list.slice(at).filter((part) => !isRetry(part))
      const longest = Duration.millis(Math.min(longestMillis(attempt, limitMillisOfAny), ...outside))
      const probe = shortest(list.filter(isCircuitBreaker).map(({ options }) => options.probeTimeout))
      return Duration.isFinite(longest) && Duration.isLessThan(probe, longest)
        ? `A probe counts as failed after ${Duration.format(probe)}, but may take ${Duration.format(longest)} in our queues and at the dependency: answers in between come too late to close the circuit.`
        : undefined
    }
  },
  {
    name: "queue-without-limit",
    severity: "warning",
    parts: ["bulkhead"],
    check: ({ isAround, list }) =>
      !isAround("deadline", "bulkhead") && list.some((part) => queueMillis(part) === Infinity)
        ? "Nothing limits the wait in the queue of the bulkhead: there is neither a queueTimeout nor a deadline outside."
        : undefined
  },
  {
    name: "bulkhead-without-permits",
    severity: "error",
    parts: ["bulkhead"],
    check: ({ list }) =>
      list.some((part) => isBulkhead(part) && part.snapshot(0).limit === 0)
        ? "The limit of the bulkhead was set to 0 while it ran: nobody gets in until it is raised."
        : undefined
  }
]

/**
 * Names what is harmful about a pipeline, or about a list of parts (the outermost first), with the reason. An empty list
 * means that nothing is known against it.
 */
export const lint = (
  pipeline: { readonly parts: ReadonlyArray<Policy.Instance> } | ReadonlyArray<Policy.Instance>
): ReadonlyArray<Finding> => {
  const list = flatten("parts" in pipeline ? pipeline.parts : pipeline).filter(isEffective)
  const parts = partsOf(list)
  return rules.flatMap(({ check, name, parts: about, severity }) => {
    const message = check(parts)
    return message === undefined ? [] : [{ rule: name, severity, message, parts: about }]
  })
}

const partsOf = (list: ReadonlyArray<Policy.Instance>): Parts => {
  const kinds = list.map(({ kind }) => kind)
  return {
    list,
    isAround: (outer, inner) => kinds.includes(outer) && kinds.lastIndexOf(inner) > kinds.indexOf(outer),
    has: (kind) => kinds.includes(kind)
  }
}

/** A time limit without end, and a retry with a single attempt, are there in name only. */
const isEffective = (part: Policy.Instance): boolean => {
  if (isDeadline(part) || isTimeout(part)) return limitMillis(part) < Infinity
  return !isRetry(part) || part.worstCase.attempts > 1
}

const shortest = (durations: ReadonlyArray<Duration.Duration>): Duration.Duration =>
  durations.reduce((a, b) => Duration.min(a, b))
