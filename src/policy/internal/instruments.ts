/**
 * Short forms for the metrics that a pattern declares.
 */
import type * as Histogram from "../../core/Histogram.ts"
import type * as Policy from "../Policy.ts"

/** A number that goes up and down, read when somebody scrapes. */
export const gauge = <I extends Policy.Instance>(
  name: string,
  description: string,
  labels: (instance: I) => Policy.Labels,
  read: (instance: I, now: number) => number
): Policy.Instrument<I> => ({ name, description, unit: "1", type: "gauge", labels, read })

/** A number that only grows, read when somebody scrapes. */
export const counter = <I extends Policy.Instance>(
  name: string,
  description: string,
  labels: (instance: I) => Policy.Labels,
  read: (instance: I, now: number) => number
): Policy.Instrument<I> => ({ name, description, unit: "1", type: "counter", labels, read })

/** A distribution of durations in seconds, read when somebody scrapes. */
export const histogram = <I extends Policy.Instance>(
  name: string,
  description: string,
  labels: (instance: I) => Policy.Labels,
  read: (instance: I) => Histogram.Histogram
): Policy.Instrument<I> => ({ name, description, unit: "s", type: "histogram", labels, read })

/** The number of events with a tag. */
export const events = (
  name: string,
  description: string,
  tag: string,
  labels: (event: Policy.Event) => Policy.Labels | undefined
): Policy.Instrument => ({
  name,
  description,
  unit: "1",
  type: "events",
  labels: (event) => (event._tag === tag ? labels(event) : undefined)
})

/** One attribute of an event as a label. */
export const label = ({ attributes }: Policy.Event, name: string): string => String(attributes[name])
