/**
 * Values as the fields of a panel are configured to show them.
 */
import type { FieldDefaults } from "../../test/monitoring/support/dashboard.ts"
import type { Series } from "./answers.ts"
import { colorOf } from "./theme.ts"

/** Three digits are enough to compare, and fewer zeros are easier to read. */
const digits = (value: number, decimals?: number): string => {
  if (decimals !== undefined) return value.toFixed(decimals)
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)))
  return String(Number(value.toFixed(Math.min(4, Math.max(0, 2 - magnitude)))))
}

const thousands = (value: number, suffix: string, decimals?: number): string =>
  Math.abs(value) >= 1000 ? `${digits(value / 1000, decimals)}${suffix}` : digits(value, decimals)

const seconds = (value: number, decimals?: number): string => {
  if (value === 0) return `${digits(0, decimals)} s`
  if (value < 1) return `${digits(value * 1000, decimals)} ms`
  return value < 60 ? `${digits(value, decimals)} s` : `${digits(value / 60, decimals)} min`
}

/** A value with its unit. */
export const format = (value: number, { decimals, unit }: Pick<FieldDefaults, "decimals" | "unit">): string => {
  switch (unit) {
    case "percentunit":
      return `${digits(100 * value, decimals)}%`
    case "s":
      return seconds(value, decimals)
    case "cpm":
      return `${thousands(value, "K", decimals)} c/m`
    case "locale":
      return value.toLocaleString("en", { maximumFractionDigits: decimals })
    default:
      return thousands(value, " K", decimals)
  }
}

/** A value in words and colours: those of its mapping, or else the unit and the threshold that it has reached. */
export const display = (value: number, field: FieldDefaults): { readonly text: string; readonly color: string } => {
  const mapped = field.mappings?.map(({ options }) => options[value]).find((mapping) => mapping !== undefined)
  const step = field.thresholds.steps.findLast((step) => step.value === null || value >= step.value)
  return {
    text: mapped?.text ?? format(value, field),
    color: colorOf(mapped?.color ?? step?.color ?? "blue")
  }
}

/** The values that there are. */
export const known = ({ points }: Series): ReadonlyArray<number> =>
  points.flatMap(({ value }) => (value === null ? [] : [value]))

/** The last value that there is. */
export const last = (series: Series): number => known(series).at(-1) ?? 0

/** The greatest value of all series, and at least `atLeast`. */
export const greatest = (all: ReadonlyArray<Series>, atLeast = 0): number =>
  Math.max(atLeast, ...all.flatMap((series) => known(series)))

/** The last moment of which anything is known. */
export const endOf = (all: ReadonlyArray<Series>): number =>
  Math.max(...all.flatMap(({ points }) => points.map(({ time }) => time)))

/** Round numbers from 0 to at least `max`, about four of them. */
export const ticks = (max: number, isWhole = false): ReadonlyArray<number> => {
  const highest = max === 0 ? 1 : max
  const power = 10 ** Math.floor(Math.log10(highest / 4))
  const steps = [1, 2, 2.5, 5, 10].map((factor) => factor * power)
  const step = steps.find((step) => step >= (highest / 4) * 0.999 && !(isWhole && step % 1 !== 0)) ?? 10 * power
  const count = Math.ceil(highest / step - 1e-9)
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)))
}

/** A time of the day as minutes and seconds. */
export const clock = (time: number): string => `${Math.floor(time / 60)}:${String(time % 60).padStart(2, "0")}`
