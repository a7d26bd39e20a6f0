/**
 * The command line as a program: what it needs, what it says when it was not understood, and the number with which it ends.
 */
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import { cli } from "./Cli.ts"
import { exitCodes } from "./internal/Failure.ts"
import { visible } from "./internal/paint.ts"

const builtIns = [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions]

/** Runs the command line with the arguments of the process. */
export const program = <E, R>(version: string, platform: Layer.Layer<Command.Environment, E, R>) =>
  Command.run(cli, { version }).pipe(
    Effect.provide([FetchHttpClient.layer, CliOutput.layerPresenter(presenter), CliConfig.layer({ builtIns })]),
    Effect.provide(platform)
  )

/** Wrong usage has a number of its own, and so has everything that a `Failure` says. */
export const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isFailure(exit) && CliError.isCliError(Cause.squash(exit.cause))) return onExit(exitCodes.usage)
  Runtime.defaultTeardown(exit, onExit)
}

/** Whoever made a slip is told which, and how to ask for help; not all the help at once, before the slip. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    const problems = event.errors.map(({ message }) => message)
    return Console.error(visible([...problems, `See ${event.commandPath.join(" ")} --help`].join("\n")))
  }
}
