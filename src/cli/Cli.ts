/**
 * The command line `effect-resilience`.
 */
import * as Command from "effect/cli/Command"
import { Token, Url } from "./application.ts"
import { config } from "./config.ts"
import { events } from "./events.ts"
import { explain, lint } from "./explain.ts"
import { isolate, release, reset, set, trip } from "./operators.ts"
import { Json } from "./output.ts"
import { status } from "./status.ts"
import { watch } from "./watch.ts"

/** The command with all that it can do. */
export const cli = Command.make("effect-resilience").pipe(
  Command.withDescription("Looks at the resilience policies of a running application, and operates them"),
  Command.withSubcommands([status, watch, events, reset, trip, isolate, release, set, explain, lint, config]),
  Command.withGlobalFlags([Url, Token, Json])
)
