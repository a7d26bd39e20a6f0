/**
 * Tools that somebody has approved, in the attempts of a call.
 *
 * **Details**
 *
 * A model runs them before it asks its provider. When that fails and the call is made again, they have run already.
 */
import * as AiError from "effect/ai/AiError"
import * as Prompt from "effect/ai/Prompt"
import type * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"

type AnyToolkit = Toolkit.WithHandler<Record<string, Tool.Any>>
type Handle = AnyToolkit["handle"]
type Results = Effect.Effect<ReadonlyArray<Tool.HandlerResult<Tool.Any>>, unknown, unknown>

/** What decides about the tools of a call. */
export interface Options {
  readonly prompt: Prompt.RawInput
  readonly toolkit?: AnyToolkit | Effect.Effect<AnyToolkit, unknown, unknown> | undefined
}

/** Options for all attempts of a call: a tool that was approved runs once, and what came of it is so in each of them. */
export const runOnce = (options: Options): Options => {
  const { toolkit } = options
  if (toolkit === undefined) return options
  const prompt = Prompt.make(options.prompt)
  const approved = askedFor(prompt)
  if (approved.size === 0) return { ...options, prompt }
  const runs = new Map<string, Results>()
  const once = ({ handle, tools }: AnyToolkit): AnyToolkit => ({
    tools,
    handle: ((name, params, id, parsing) => {
      const run = handle(name, params, id, parsing)
      return id === undefined || !approved.has(id) ? run : remembered(runs, id, name, run)
    }) as Handle
  })
  return { ...options, prompt, toolkit: Effect.isEffect(toolkit) ? Effect.map(toolkit, once) : once(toolkit) }
}

const remembered = (runs: Map<string, Results>, id: string, name: string, run: ReturnType<Handle>) =>
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
