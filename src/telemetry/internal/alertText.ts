/**
 * Alerts in plain words.
 */
import * as Duration from "effect/Duration"
import type { Alert, AlertGroup } from "../Alerts.ts"

/** What happened, in two or three words. */
export const title = ({ kind }: Alert): string => TITLES[kind]

const TITLES = {
  opened: "circuit opened",
  closed: "circuit closed",
  isolated: "circuit isolated",
  "budget-exhausted": "retry budget exhausted"
}

/** What happened and what it means, without the name of the service. */
export const describe = (alert: Alert): string => {
  const happened = alert.count === 1 ? title(alert) : `${title(alert)} ${alert.count} times`
  switch (alert.kind) {
    case "opened":
      return alert.openTime === undefined
        ? `${happened}, calls are rejected until it is reset`
        : `${happened}, calls are rejected for ${format(alert.openTime)}`
    case "closed":
      return `${happened}${alert.count === 1 ? "" : ", the last time"} after ${format(alert.outage)}`
    case "isolated":
      return `${happened}, calls are rejected until it is reset`
    case "budget-exhausted":
      return `${happened}, failed calls are not tried again`
  }
}

/** What is missing from a group, if anything is. */
export const omission = ({ omitted }: AlertGroup): string | undefined => {
  if (omitted === 0) return undefined
  return omitted === 1 ? "1 earlier alert was not delivered" : `${omitted} earlier alerts were not delivered`
}

/** All of a group in one line. */
export const summarize = (group: AlertGroup): string => {
  const missing = omission(group)
  const all = [...group.alerts.map(describe), ...(missing === undefined ? [] : [missing])]
  return `${group.service}: ${all.join("; ")}`
}

/** Whole seconds, from one second on: nobody needs more at night. */
const format = (duration: Duration.Duration): string => {
  const millis = Math.max(1, Math.round(Duration.toMillis(duration)))
  return Duration.format(Duration.millis(millis < 1_000 ? millis : Math.round(millis / 1_000) * 1_000))
}
