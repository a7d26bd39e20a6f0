/**
 * `status`: what is true of all services now, or of one.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { SWITCHED_OFF } from "../resilience/internal/Command.ts"
import { ask, isSwitchedOff } from "./application.ts"
import { found } from "./internal/Failure.ts"
import * as StatusTable from "./internal/statusTable.ts"
import { print, reporting, warn } from "./output.ts"

/** `status` */
export const status = Command.make(
  "status",
  {
    service: Argument.String("service").pipe(
      Argument.optional,
      Argument.withDescription("The service to look at closely; an overview of all by default")
    ),
    check: Flag.Boolean("check").pipe(
      Flag.withDefault(false),
      Flag.withoutNegation,
      Flag.withDescription("Exit with 1 if a circuit is not closed, that of a key included")
    )
  },
  ({ check, service }) =>
    reporting(
      Effect.gen(function* () {
        const all = yield* ask((client) =>
          Option.isNone(service) ? client.status() : client.statusOf({ params: { service: service.value } })
        )
        // Who does not know it would look for another reason why no service has a status.
        if (Option.isNone(service) && all.length === 0 && (yield* isSwitchedOff)) yield* warn(SWITCHED_OFF)
        const show = Option.isNone(service) ? StatusTable.overview : StatusTable.details
        yield* print(
          (paint) => show(all, paint).join("\n"),
          () => all
        )
        if (check && StatusTable.notClosed(all).length > 0) return yield* found
      })
    )
).pipe(
  Command.withDescription("Shows what is true of all services now, or everything about one"),
  Command.withExamples([
    { command: "effect-resilience status", description: "All services" },
    { command: "effect-resilience status --check", description: "For scripts: fails unless all circuits are closed" }
  ])
)
