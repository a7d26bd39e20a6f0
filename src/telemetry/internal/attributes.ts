/**
 * What we call things in spans and logs: by OpenTelemetry's name where its conventions have one, else by one of ours.
 */
import type * as Policy from "../../policy/Policy.ts"

/** Attributes of spans, of their events, and of log lines. */
export type Attributes = Readonly<Record<string, string | number>>

const conventions: Readonly<Record<string, string>> = { exception_type: "error.type" }

const nameOf = (attribute: string): string => conventions[attribute] ?? `resilience.${attribute}`

/** The attributes of an event. */
export const ofEvent = ({ attributes, kind, service }: Policy.Event): Attributes => ({
  "resilience.pattern": kind,
  "resilience.service": service,
  ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [nameOf(name), value]))
})

/** The attributes of an attempt. The first has number 1. */
export const ofAttempt = (service: string, attempt: number): Attributes => ({
  "resilience.pattern": "retry",
  "resilience.service": service,
  "resilience.attempt_number": attempt
})
