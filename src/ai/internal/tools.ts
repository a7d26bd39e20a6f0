/**
 * The tools of a call, in all its attempts.
 *
 * **Details**
 *
 * A model runs tools that somebody has approved before it asks its provider. When that fails and the call is made again, they
 * have run already. All others run after the provider has answered: it is not to blame for the time that they take.
 */
import * as AiError from "effect/ai/AiError"
import * as Prompt from "effect/ai/Prompt"
import type * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { TimeoutExceededError } from "../../policy/Timeout.ts"

type AnyToolkit = Toolkit.WithHandler<Record<string, Tool.Any>>
type Handle = AnyToolkit["handle"]
type Run = Effect.Effect<Stream.Stream<Tool.HandlerResult<Tool.Any>, unknown, unknown>, unknown, unknown>
type Results = Effect.Effect<ReadonlyArray<Tool.HandlerResult<Tool.Any>>, unknown, unknown>

/** What decides about the tools of a call. */
export interface Options {
  readonly prompt: Prompt.RawInput
  readonly toolkit?: AnyToolkit | Effect.Effect<AnyToolkit, unknown, unknown> | undefined
}

/** What a call knows of its tools. */
export interface Tools {
  /** The options for all attempts: a tool that was approved runs once, and what came of it is so in each of them. */
  readonly options: Options
  /** Whether an error or a defect is theirs: the end of a time limit while one was running, or a bug of one. */
  readonly areToBlame: (error: unknown) => boolean
}

/** The tools of one call. */
export const make = (options: Options): Tools => {
  const { toolkit } = options
  if (toolkit === undefined) return { options, areToBlame: () => false }
  const prompt = Prompt.make(options.prompt)
  const approved = askedFor(prompt)
  const runs = new Map<string, Results>()
  const defects = new Set<unknown>()
  let isCutOff = false
  const notice = (exit: Exit.Exit<unknown, unknown>) =>
    Effect.sync(() => {
      if (Exit.isSuccess(exit)) return
      if (Exit.hasInterrupts(exit)) isCutOff = true
      for (const { defect } of exit.cause.reasons.filter(Cause.isDieReason)) defects.add(defect)
    })
  const watched = ({ handle, tools }: AnyToolkit): AnyToolkit => {
    isCutOff = false
    return {
      tools,
      handle: ((name, params, id, parsing) => {
        const run = Effect.map(handle(name, params, id, parsing) as Run, Stream.onExit(notice))
        return id === undefined || !approved.has(id) ? run : remembered(runs, id, name, run)
      }) as Handle
    }
  }
  // An effect, because a model runs that in each attempt.
  const watchedToolkit = Effect.map(Effect.isEffect(toolkit) ? toolkit : Effect.succeed(toolkit), watched)
  return {
    options: { ...options, prompt, toolkit: watchedToolkit },
    areToBlame: (error) => defects.has(error) || (isCutOff && error instanceof TimeoutExceededError)
  }
}

const remembered = (runs: Map<string, Results>, id: string, name: string, run: Run) =>
  Effect.suspend(() => {
    const known = runs.get(id)
    if (known !== undefined) return known
    runs.set(id, cutOff(name))
    return Effect.onExit(Effect.flatMap(run, Stream.runCollect) as Results, (exit) =>
      Effect.sync(() => {
        if (!Exit.hasInterrupts(exit)) runs.set(id, exit)
      })
    )
  }).pipe(Effect.map(Stream.fromIterable))

/** Nobody knows how far it came. */
const cutOff = (toolName: string): Results => {
  const description = "it was cut off, and does not run again without another approval"
  const reason = new AiError.InvalidToolResultError({ toolName, description })
  return Effect.fail(AiError.make({ module: "ResilientLanguageModel", method: `${toolName}.handle`, reason }))
}

/** The calls of tools that somebody was asked about. */
const askedFor = ({ content }: Prompt.Prompt): ReadonlySet<string> => {
  const parts = content.flatMap((message) => (message.role === "assistant" ? message.content : []))
  return new Set(parts.flatMap((part) => (part.type === "tool-approval-request" ? [part.toolCallId] : [])))
}
