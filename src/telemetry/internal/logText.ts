/**
 * Events in plain words.
 */
import * as Duration from "effect/Duration"
import type * as Policy from "../../policy/Policy.ts"
import { stateName } from "./logColors.ts"

type Attributes = Policy.Event["attributes"]

const time = (millis: string | number | undefined): string =>
  Duration.format(Duration.millis(Math.round(Number(millis))))

const transition = ({ from, mode, open_millis, outage_millis, to }: Attributes, isColored: boolean): string => {
  const change = `circuit ${stateName(String(from), isColored)} -> ${stateName(String(to), isColored)}`
  if (mode !== undefined) return `${change}, but it turns nobody away (mode "${mode}")`
  if (open_millis !== undefined) return `${change}, the next probe is in ${time(open_millis)}`
  return outage_millis === undefined ? change : `${change}, after ${time(outage_millis)}`
}

const abandoned = ({ exception_type, reason }: Attributes): string =>
  reason === "budget"
    ? `not tried again after ${exception_type}: the retry budget is exhausted`
    : `not tried again after ${exception_type}: there is no time left until the deadline`

const unasked: Readonly<Record<string, string>> = { fail_open: "allowed", fail_closed: "denied" }

const answered = ({ age_millis, exception_type, fallback_type = "" }: Attributes): string => {
  if (age_millis !== undefined) return `answered with a value that is ${time(age_millis)} old after ${exception_type}`
  const decision = unasked[fallback_type]
  return decision === undefined
    ? `answered by a fallback (${fallback_type}) after ${exception_type}`
    : `${decision} without an answer, after ${exception_type}`
}

const texts: Readonly<Record<string, (attributes: Attributes, isColored: boolean) => string>> = {
  CircuitBreakerTransition: transition,
  CircuitBreakerRejection: ({ state }, isColored) =>
    `call rejected, the circuit is ${stateName(String(state), isColored)}`,
  BulkheadRejection: ({ limit, reason }) =>
    reason === "full"
      ? `call rejected, ${limit} calls run and the queue is full`
      : `call rejected after too long a wait, ${limit} calls run`,
  OperatorCommand: ({ by, command, reason }) =>
    `${command} by ${by === "" ? "an operator" : by}${reason === undefined ? "" : `: ${reason}`}`,
  RetryExhausted: ({ attempts, exception_type }) =>
    attempts === 1
      ? `the only attempt failed with ${exception_type}`
      : `all ${attempts} attempts failed, the last with ${exception_type}`,
  RetryAbandoned: abandoned,
  FallbackUsed: answered,
  RetryScheduled: ({ delay_millis, exception_type }) => `tried again in ${time(delay_millis)} after ${exception_type}`,
  TimeoutExceeded: ({ timeout_seconds }) => `no answer within ${time(1000 * Number(timeout_seconds))}`,
  CallFailed: ({ error_code }) => `call failed: ${error_code}`,
  CircuitBreakerFailure: ({ exception_type }) => `the circuit counted a failure: ${exception_type}`
}

/** What happened, without saying to which service. */
export const textOf = ({ _tag, attributes }: Policy.Event, isColored: boolean): string =>
  texts[_tag]?.(attributes, isColored) ?? _tag

/** An event whose texts cannot look like further lines of a log, and tell a terminal nothing: operators write some of them. */
export const visible = (event: Policy.Event): Policy.Event => ({
  ...event,
  service: visibleText(event.service),
  attributes: Object.fromEntries(
    Object.entries(event.attributes).map(([name, value]) => [
      name,
      typeof value === "string" ? visibleText(value) : value
    ])
  )
})

const visibleText = (text: string): string => text.replaceAll(/\p{Cc}/gu, "\uFFFD")
