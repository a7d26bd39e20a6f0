/**
 * The command line without a process, for many commands: what it writes, and how it ends.
 */
import { Cause, ConfigProvider, Console, Effect, Exit, FileSystem, Layer, Path, Stdio, Terminal } from "effect"
import { CliError } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import { ChildProcessSpawner } from "effect/process"
import { Failure } from "../../../src/cli/internal/Failure.ts"
import { program } from "../../../src/cli/program.ts"

export interface Ran {
  readonly output: string
  /** "success", "usage", the reason of a failure, or a defect as text. */
  readonly end: string
}

const platform = (args: ReadonlyArray<string>, file: string) =>
  Layer.mergeAll(
    FileSystem.layerNoop({
      exists: () => Effect.succeed(true),
      readFileString: () => Effect.succeed(file)
    }),
    Path.layer,
    Stdio.layerTest({ args: Effect.succeed(args) }),
    Layer.succeed(
      Terminal.Terminal,
      Terminal.make({
        columns: Effect.succeed(80),
        rows: Effect.succeed(24),
        size: Effect.die("unused"),
        readInput: Effect.die("unused"),
        readLine: Effect.die("unused"),
        display: () => Effect.void
      })
    ),
    Layer.succeed(
      ChildProcessSpawner.ChildProcessSpawner,
      ChildProcessSpawner.make(() => Effect.die("unused"))
    )
  )

const endOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "success"
  const error = Cause.hasFails(exit.cause) ? Cause.squash(exit.cause) : undefined
  if (error instanceof Failure) return error.reason
  return CliError.isCliError(error) ? "usage" : Cause.pretty(exit.cause)
}

/** Runs a command in an environment, with whatever answers its requests, and what any file holds. */
export const run = async (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  fetch: typeof globalThis.fetch = () => Promise.reject(new Error("nobody is there")),
  file = ""
): Promise<Ran> => {
  const lines: Array<string> = []
  const write = (...words: ReadonlyArray<unknown>): void => void lines.push(words.join(" "))
  const exit = await Effect.runPromiseExit(
    program("1.0.0", platform(args, file)).pipe(
      Effect.provideService(FetchHttpClient.Fetch, fetch),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
      Effect.provideService(
        Console.Console,
        Object.assign(Object.create(console) as Console.Console, { log: write, error: write })
      )
    )
  )
  return { output: lines.join("\n"), end: endOf(exit) }
}
