/**
 * The command line without a process, for many commands: what it writes, and how it ends.
 */
import {
  ByteSize,
  Cause,
  ConfigProvider,
  Console,
  Effect,
  Exit,
  FileSystem,
  Layer,
  Option,
  Path,
  type PlatformError,
  Queue,
  Stdio,
  Terminal
} from "effect"
import { CliError, TerminalCapabilities } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import { ChildProcessSpawner } from "effect/process"
import { Failure } from "../../../src/cli/internal/Failure.ts"
import { SystemUser } from "../../../src/cli/operator.ts"
import { program } from "../../../src/cli/program.ts"

export interface Ran {
  readonly output: string
  /** "success", "usage", the reason of a failure, or a defect as text. */
  readonly end: string
}

/** What is around a command. */
export interface Around {
  readonly env?: Readonly<Record<string, string>>
  /** Whatever answers its requests. */
  readonly fetch?: typeof globalThis.fetch
  /** What any file holds, or why it cannot be read. */
  readonly file?: string | PlatformError.PlatformError
  readonly terminal?: FakeTerminal
  /** Gets each line as it is written. */
  readonly lines?: Array<string>
  /** Who the operating system says is there. */
  readonly user?: string
}

/** A terminal in colour, with a keyboard unless told otherwise. */
export interface FakeTerminal {
  readonly rows: number
  readonly hasKeyboard?: boolean
  /** What happens when something is displayed; pressing a key, maybe. */
  readonly onDisplay: (text: string, press: (key: string) => void) => void
}

const NO_TERMINAL: FakeTerminal = { rows: 24, onDisplay: () => {} }

const terminalOf = ({ onDisplay, rows }: FakeTerminal) =>
  Effect.map(Queue.make<Terminal.UserInput, Cause.Done>(), (keys) => {
    const press = (name: string): void =>
      void Queue.offerUnsafe(keys, { input: Option.none(), key: { name, ctrl: false, meta: false, shift: false } })
    return Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(rows),
      size: Effect.die("unused"),
      readInput: Effect.succeed(keys),
      readLine: Effect.die("unused"),
      display: (text) => Effect.sync(() => onDisplay(text, press))
    })
  })

const aFile: FileSystem.File.Info = {
  type: "File",
  mtime: Option.none(),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: 0n,
  ino: Option.none(),
  mode: 0o644,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: ByteSize.zero,
  blksize: Option.none(),
  blocks: Option.none()
}

const platform = (args: ReadonlyArray<string>, file: NonNullable<Around["file"]>, terminal: FakeTerminal) =>
  Layer.mergeAll(
    FileSystem.layerNoop({
      exists: () => Effect.succeed(true),
      stat: () => Effect.succeed(aFile),
      readFileString: () => (typeof file === "string" ? Effect.succeed(file) : Effect.fail(file))
    }),
    Path.layer,
    Stdio.layerTest({ args: Effect.succeed(args) }),
    Layer.effect(Terminal.Terminal, terminalOf(terminal)),
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

const nobody: typeof globalThis.fetch = () => Promise.reject(new Error("nobody is there"))

/** Runs a command. */
export const command = (
  args: ReadonlyArray<string>,
  { env = {}, fetch = nobody, file = "", lines = [], terminal, user }: Around = {}
): Effect.Effect<Ran> =>
  Effect.suspend(() => {
    const write = (...words: ReadonlyArray<unknown>): void => void lines.push(words.join(" "))
    const can = terminal !== undefined
    return program("1.0.0", platform(args, file, terminal ?? NO_TERMINAL)).pipe(
      Effect.provideService(FetchHttpClient.Fetch, fetch),
      (self) => (user === undefined ? self : Effect.provideService(self, SystemUser, () => user)),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
      Effect.provideService(TerminalCapabilities.TerminalCapabilities, {
        canColor: can,
        canAnimate: can,
        canPrompt: can && terminal.hasKeyboard !== false
      }),
      Effect.provideService(
        Console.Console,
        Object.assign(Object.create(console) as Console.Console, { log: write, error: write })
      ),
      Effect.exit,
      Effect.map((exit) => ({ output: lines.join("\n"), end: endOf(exit) }))
    )
  })

/** Runs a command to its end, without a terminal. */
export const run = (
  args: ReadonlyArray<string>,
  env?: Around["env"],
  fetch?: Around["fetch"],
  file?: string
): Promise<Ran> =>
  Effect.runPromise(
    command(args, {
      ...(env && { env }),
      ...(fetch && { fetch }),
      ...(file !== undefined && { file })
    })
  )
