/**
 * Alarms at a time from now, on the clock of a fiber.
 *
 * **Details**
 *
 * A sleeping fiber would do everywhere, and it is what runs under `TestClock` and any other clock. On the live clock timers
 * take its place, because an alarm that usually does not ring is set for every call with a time limit: that fiber costs 1.5
 * to 3 µs, a timer of Node 0.4 to 0.7 µs, a place among {@link Alarms} 0.05 µs. Timers of Node count from the start of the
 * current turn of the event loop and may ring early; an alarm never does.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as LinkedList from "../../core/LinkedList.ts"
import * as Policy from "../Policy.ts"
import { clockOf } from "./perContext.ts"

const LIVE_CLOCK = Context.get(Context.empty(), Clock.Clock)
const LONGEST_TIMER = 2 ** 31 - 1
/** A timer that is late by more than this many milliseconds has been dropped, or rings as soon as the process is less busy. */
const LATEST_RING = 1_000
const NOTHING = (): void => {}

/**
 * Runs `alarm` once, `millis` after the monotonic time `now`, unless it is cancelled by calling what is returned. Some of
 * that time may have passed. `Infinity` never comes.
 */
export const after = (
  fiber: Fiber.Fiber<unknown, unknown>,
  now: number,
  millis: number,
  alarm: () => void
): (() => void) => {
  if (millis === Infinity) return NOTHING
  const clock = clockOf(fiber)
  const left = millis - (Policy.monotonicMillisOf(clock) - now)
  return clock === LIVE_CLOCK ? afterLive(clock, now + millis, left, alarm) : afterSleep(fiber, clock, left, alarm)
}

const afterLive = (clock: Clock.Clock, due: number, left: number, alarm: () => void): (() => void) => {
  const ring = (): void => {
    const left = due - Policy.monotonicMillisOf(clock)
    if (left > 0) handle = setTimeout(ring, timerMillis(left))
    else alarm()
  }
  let handle = setTimeout(ring, timerMillis(left))
  return () => clearTimeout(handle)
}

/** What happens at a monotonic time. */
export interface Alarm extends LinkedList.Node<Alarm> {
  readonly due: number
  ring(): void
}

/** A timer of Node can be told not to keep the process alive; one of a browser is a number. */
type NodeTimer = ReturnType<typeof setTimeout> & { ref?(): unknown; unref?(): unknown }

/**
 * Any number of alarms that ring the same time after they are set.
 *
 * **Details**
 *
 * They come due in the order in which they are set, so on the live clock a list and one timer for the first of them will do.
 * When the last one is cancelled the timer stays, because the next call is likely to need it; it does not keep the process
 * alive then. This is how Node keeps its own timers, without an object of Node's for each.
 *
 * A host may drop a timer: fake timers of a test are gone with the test, and some runtimes end timers with the request that
 * set them. So one that is overdue is replaced, and so is one that was set by another `setTimeout` than there is now.
 */
export class Alarms {
  readonly millis: number
  private readonly alarms = LinkedList.make<Alarm>()
  private timer: NodeTimer | undefined
  private timerDue = 0
  private setBy: typeof setTimeout | undefined
  private isRetired = false

  constructor(millis: number) {
    this.millis = millis
  }

  /** Lets an alarm ring once, unless it is removed; returns `false` where {@link after} must do. */
  add(fiber: Fiber.Fiber<unknown, unknown>, alarm: Alarm): boolean {
    if (this.millis === Infinity || clockOf(fiber) !== LIVE_CLOCK) return false
    const now = alarm.due - this.millis
    if (this.timer !== undefined && this.isLost(now)) this.stop()
    if (this.timer === undefined) this.start((this.alarms.head ?? alarm).due, now)
    else if (this.alarms.head === undefined) this.timer.ref?.()
    LinkedList.append(this.alarms, alarm)
    return true
  }

  remove(alarm: Alarm): void {
    if (!LinkedList.remove(this.alarms, alarm) || this.alarms.head !== undefined) return
    if (this.isRetired) this.stop()
    else this.timer?.unref?.()
  }

  /** No alarm will be added: the timer goes with the last one. */
  retire(): void {
    this.isRetired = true
    if (this.alarms.head === undefined) this.stop()
  }

  private start(due: number, now: number): void {
    const millis = timerMillis(due - now)
    this.timer = setTimeout(() => this.ring(), millis) as NodeTimer
    this.timerDue = now + millis
    this.setBy = setTimeout
  }

  private isLost(now: number): boolean {
    return this.setBy !== setTimeout || now - this.timerDue > LATEST_RING
  }

  private stop(): void {
    // Of a timer that does not keep the process alive, Node would remember the duration until then.
    this.timer?.ref?.()
    clearTimeout(this.timer)
    this.timer = undefined
  }

  /** One that is a little out of order, because the call before it took its time to begin, waits for that one. */
  private ring(): void {
    const now = Policy.monotonicMillisOf(LIVE_CLOCK)
    try {
      for (let { head } = this.alarms; head !== undefined && head.due <= now; head = this.alarms.head) {
        LinkedList.remove(this.alarms, head)
        head.ring()
      }
    } finally {
      if (this.alarms.head === undefined) this.timer = undefined
      else this.start(this.alarms.head.due, now)
    }
  }
}

/** Node drops fractions, warns of negative times, and takes what is too long for no time at all. */
const timerMillis = (left: number): number => Math.min(Math.max(1, Math.ceil(left)), LONGEST_TIMER)

const afterSleep = (
  fiber: Fiber.Fiber<unknown, unknown>,
  clock: Clock.Clock,
  left: number,
  alarm: () => void
): (() => void) => {
  const sleeper = Effect.runForkWith(fiber.context)(clock.sleep(Duration.millis(Math.max(0, left))))
  sleeper.addObserver((exit) => {
    if (Exit.isSuccess(exit)) alarm()
  })
  return () => sleeper.interruptUnsafe()
}
