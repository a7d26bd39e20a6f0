/**
 * Short forms for the metrics that a pattern declares. Units are those of UCUM, as OpenTelemetry writes them; what is counted
 * stands in braces.
 */
import type * as Histogram from "../../core/Histogram.ts"
import type * as Policy from "../Policy.ts"

/** A number that goes up and down, read when somebody scrapes. */
export const gauge = <I extends Policy.Instance>(
  name: string,
  description: string,
  labels: (instance: I) => Policy.Labels,
  read: (instance: I, now: number) => number,
  unit = "{call}"
): Policy.Instrument<I> => ({ name, description, unit, type: "gauge", labels, read })

/** A number that only grows, read when somebody scrapes. */
export const counter = <I extends Policy.Instance>(
  name: string,
  description: string,
  labels: (instance: I) => Policy.Labels,
  read: (instance: I, now: number) => number
): Policy.Instrument<I> => ({ name, description, unit: "{call}", type: "counter", labels, read })

/** A distribution of durations in seconds, read when somebody scrapes. */
export const histogram = <I extends Policy.Instance>(
  name: string,
  description: string,
  labels: (instance: I) => Policy.Labels,
  read: (instance: I) => Histogram.Histogram
): Policy.Instrument<I> => ({ name, description, unit: "s", type: "histogram", labels, read })

/** The number of events with a tag. */
export const events = <I extends Policy.Instance>(
  name: string,
  description: string,
  tag: string,
  labels: (event: Policy.Event) => Policy.Labels | undefined,
  { initial = () => [], unit = "{call}" }: EventsOptions<I> = {}
): Policy.Instrument<I> => ({
  name,
  description,
  unit,
  type: "events",
  labels: (event) => (event._tag === tag ? labels(event) : undefined),
  initial
})

interface EventsOptions<in I> {
  readonly initial?: (instance: I) => ReadonlyArray<Policy.Labels>
  readonly unit?: string
}

/** One attribute of an event as a label. */
export const label = ({ attributes }: Policy.Event, name: string): string => String(attributes[name])
