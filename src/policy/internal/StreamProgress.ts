/**
 * How far a protected stream has come: what the policies around it need to know, since all they see is one long call.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Policy from "../Policy.ts"
import { perContext } from "./perContext.ts"

/** Somebody who follows a stream. */
export interface Watcher {
  /** The first element has arrived. */
  readonly onFirst?: (now: number) => void
  /** The consumer asks for more, at a monotonic time. */
  readonly onWait: (now: number) => void
}

/** The progress of one stream, whatever the number of its attempts. */
export class StreamProgress {
  /** When the first element arrived. From then on the stream cannot start again. */
  firstAt: number | undefined
  /** Since when the consumer waits for the next element, as far as somebody watches. */
  waitingSince: number | undefined
  /** Whether elements are on their way; until the first ones are there, they are. */
  isPulling = true
  private readonly clock: Clock.Clock
  private readonly watchers = new Set<Watcher>()

  constructor(fiber: Fiber.Fiber<unknown, unknown>) {
    this.clock = fiber.getRef(Clock.Clock)
  }

  /** Tells a watcher, until the result is called. */
  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher)
    return () => {
      this.watchers.delete(watcher)
    }
  }

  /** The consumer asks for more. */
  wait(): void {
    if (this.watchers.size === 0) return
    const now = Policy.monotonicMillisOf(this.clock)
    this.waitingSince = now
    for (const watcher of this.watchers) watcher.onWait(now)
  }

  /** The stream has been asked for more. */
  pull(): void {
    this.isPulling = true
  }

  /** Elements have arrived, or the consumer waits no more. */
  rest(): void {
    this.waitingSince = undefined
  }

  /** Elements have arrived. */
  emit(): void {
    this.isPulling = false
    this.rest()
    if (this.firstAt !== undefined) return
    const now = Policy.monotonicMillisOf(this.clock)
    this.firstAt = now
    for (const watcher of this.watchers) watcher.onFirst?.(now)
  }
}

/** The stream that the guarded effect runs, if it runs one. The stream itself does not see it. */
export const CurrentStream = Context.Reference<StreamProgress | undefined>("effect-resilience/CurrentStream", {
  defaultValue: () => undefined
})

/** The stream of a fiber, if it runs one. */
export const streamOf = /* @__PURE__ */ perContext((context) => Context.get(context, CurrentStream))

/** Whether a part of the answer has been given away already, so that nobody may give another one. */
export const isCommitted = (fiber: Fiber.Fiber<unknown, unknown>): boolean => streamOf(fiber)?.firstAt !== undefined

/** Whether a fiber runs a stream that is asked for nothing, because the consumer has yet to take in what it got. */
export const isConsumerBusy = (fiber: Fiber.Fiber<unknown, unknown>): boolean => streamOf(fiber)?.isPulling === false
