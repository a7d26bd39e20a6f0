/**
 * Figures as they are read.
 */
import type { Result, Unit } from "../case.ts"

const rounded = (value: number): string => {
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0
  return value.toLocaleString("en", { maximumFractionDigits: digits })
}

const units: Readonly<Record<Unit, string>> = {
  addedNanos: "ns",
  addedMillis: "ms",
  addedPercent: "%",
  perSecond: "calls/s",
  bytes: "B"
}

export const figure = (value: number, unit: Unit): string =>
  `${unit === "addedNanos" || unit === "bytes" ? Math.round(value).toLocaleString("en") : rounded(value)} ${units[unit]}`

export const multiple = (ratio: number): string => `${ratio < 10 ? ratio.toPrecision(2) : Math.round(ratio)} x`

/** What stands for a figure that says nothing. */
export const IN_THE_NOISE = "in the noise"

/** What was asked for. */
export const target = (variant: string, most: number, unit: Unit): string =>
  variant === "ours"
    ? `≤ ${figure(most, unit)}`
    : `≤ ${most < 0.1 ? `1/${Math.round(1 / most)}` : rounded(most)} x ${variant}`

export const targetsOf = ({ targets, unit }: Result): ReadonlyArray<string> =>
  Object.entries(targets).map(([variant, most]) => target(variant, most, unit))

export const spread = ({ quartiles: [low, high], unit }: Result): string =>
  low === high ? "" : `${figure(low, unit)} to ${figure(high, unit)}`
