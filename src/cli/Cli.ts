/**
 * The command line `effect-resilience`.
 */
import * as Command from "effect/cli/Command"
import { Token, Url } from "./application.ts"
import { config } from "./config.ts"
import { explain, lint } from "./explain.ts"
import { Json } from "./output.ts"

/** The command with all that it can do. */
export const cli = Command.make("effect-resilience").pipe(
  Command.withDescription("Looks at the resilience policies of a running application, and operates them"),
  Command.withSubcommands([config, explain, lint]),
  Command.withGlobalFlags([Url, Token, Json])
)
