/**
 * A stream that runs inside a guarded effect, and its consumer outside.
 *
 * **Details**
 *
 * A policy guards an effect. So the whole life of the stream is one effect, in a fiber of its own: it pulls when the consumer
 * asks, hands the elements over in the chunks in which they come, and ends as the stream ends. The two fibers resume each
 * other directly. Neither ever does so from inside the other more than once, so the stack stays flat.
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as Preamble from "./Preamble.ts"
import { CurrentStream, StreamProgress } from "./StreamProgress.ts"

type Chunk = Arr.NonEmptyReadonlyArray<unknown>
type AnyEffect = Effect.Effect<unknown, unknown, unknown>
type AnyPull = Pull.Pull<Chunk, unknown>
type AnyStream = Stream.Stream<unknown, unknown, never>

/** What the effect comes to when the stream is over; anything else is the answer of a fallback. */
const END = Symbol("end")

/** One run of a protected stream. */
export class Handoff {
  private readonly guarded: AnyEffect
  private producer: Fiber.Fiber<unknown, unknown> | undefined
  private progress: StreamProgress | undefined
  private exit: Exit.Exit<unknown, unknown> | undefined
  /** Elements that nobody took, because the consumer gave up waiting for them. */
  private untaken: Chunk | undefined
  private taker: ((result: AnyPull) => void) | undefined
  private giver: ((go: Effect.Effect<void>) => void) | undefined
  private isStopped = false

  constructor(self: AnyStream, guard: (run: AnyEffect) => AnyEffect, isPreamble: Preamble.IsPreamble | undefined) {
    this.guarded = guard(this.run(self, isPreamble))
  }

  /** The next elements. */
  readonly take: AnyPull = Effect.suspend(() =>
    this.producer === undefined ? Effect.withFiber((fiber) => this.next(() => this.start(fiber))) : this.resume
  )

  /**
   * The consumer is done. One that has got elements, and stops while it does not wait for more, has no fault to find: for
   * it, the call was a success. Any other one is an interruption.
   */
  stop(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    const { producer } = this
    if (producer === undefined || this.exit !== undefined) return Effect.void
    this.isStopped = true
    const isContent = exit._tag === "Success" && this.progress?.isPulling === false
    if (isContent) this.wake()
    else producer.interruptUnsafe()
    return Effect.flatMap(Fiber.await(producer), defectsOf)
  }

  private start(fiber: Fiber.Fiber<unknown, unknown>): void {
    this.progress = new StreamProgress(fiber)
    const context = Context.add(fiber.context, CurrentStream, this.progress) as Context.Context<unknown>
    this.producer = Effect.runForkWith(context)(this.guarded)
    this.producer.addObserver((exit) => this.end(exit))
  }

  private next(ask: () => void): AnyPull {
    return Effect.callback<Chunk, unknown>((resume) => {
      if (this.untaken !== undefined) {
        const chunk = this.untaken
        this.untaken = undefined
        return resume(Effect.succeed(chunk))
      }
      if (this.exit !== undefined) return resume(ending(this.exit))
      this.taker = resume
      this.progress?.wait()
      ask()
      return this.forget
    })
  }

  private readonly forget = Effect.sync(() => {
    this.taker = undefined
    this.progress?.rest()
  })

  private readonly resume = this.next(() => this.wake())

  private wake(): void {
    const { giver } = this
    this.giver = undefined
    giver?.(Effect.void)
  }

  /** One attempt. Its scope is closed before a policy hears how it ended. */
  private run(self: AnyStream, isPreamble: Preamble.IsPreamble | undefined): AnyEffect {
    const attempt = Effect.suspend(() => {
      const scope = Scope.makeUnsafe()
      const opened = Channel.toPullScoped(self.channel, scope)
      const pulled = Effect.flatMap(opened, (pull) => this.giveAll(Preamble.skip(pull, isPreamble)))
      return Effect.onExit(
        Pull.catchDone(pulled, () => Effect.succeed(END)),
        (exit) => Scope.close(scope, exit)
      )
    })
    return Effect.provideService(attempt, CurrentStream, undefined)
  }

  private giveAll(pull: AnyPull): Pull.Pull<typeof END, unknown> {
    const step = Effect.flatMap(
      Effect.suspend(() => {
        this.progress?.pull()
        return pull
      }),
      (chunk) => this.give(chunk)
    )
    const all = Effect.whileLoop({ while: () => !this.isStopped, body: () => step, step: () => {} })
    return Effect.as(all, END)
  }

  private give(chunk: Chunk): Effect.Effect<void> {
    this.progress?.emit()
    const { taker } = this
    this.taker = undefined
    if (taker === undefined) this.untaken = chunk
    else taker(Effect.succeed(chunk))
    return this.isWanted ? Effect.void : this.park
  }

  private get isWanted(): boolean {
    return this.taker !== undefined || this.isStopped
  }

  private readonly park = Effect.callback<void>((resume) => {
    if (this.isWanted) return resume(Effect.void)
    this.giver = resume
  })

  private end(exit: Exit.Exit<unknown, unknown>): void {
    if (exit._tag === "Success" && exit.value !== END) this.untaken = [exit.value]
    this.exit = exit
    const { taker } = this
    this.taker = undefined
    if (taker === undefined) return
    const { untaken } = this
    this.untaken = undefined
    taker(untaken === undefined ? ending(exit) : Effect.succeed(untaken))
  }
}

const ending = (exit: Exit.Exit<unknown, unknown>): AnyPull =>
  exit._tag === "Success" ? Cause.done() : Effect.failCause(exit.cause)

/** A consumer that stops has no ear for errors, but a defect of a finalizer must not be lost. */
const defectsOf = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
  const defects = exit._tag === "Failure" ? exit.cause.reasons.filter(Cause.isDieReason) : []
  return defects.length === 0 ? Effect.void : Effect.failCause(Cause.fromReasons(defects))
}
