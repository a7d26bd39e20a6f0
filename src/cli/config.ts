/**
 * `config check`: what an application would make of this environment.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { toVariable } from "../resilience/internal/variables.ts"
import { withoutAddress } from "./application.ts"
import { envFile, mistakesIn, variables } from "./environment.ts"
import * as ConfigReport from "./internal/configReport.ts"
import { effective } from "./internal/effective.ts"
import { found } from "./internal/Failure.ts"
import { print, reporting } from "./output.ts"

const check = Command.make(
  "check",
  {
    services: Argument.String("service").pipe(
      Argument.variadic(),
      Argument.withDescription("Services to show; all by default")
    ),
    envFile
  },
  ({ envFile, services }) =>
    reporting(
      Effect.gen(function* () {
        yield* withoutAddress("config check")
        const read = yield* variables(envFile)
        const { mistakes, warnings } = mistakesIn(read)
        const all = effective(read)
        const named = services.map((name) => toVariable(name).toLowerCase())
        const report: ConfigReport.Report = { ...all, services: only(all.services, named), mistakes, warnings }
        yield* print(
          (paint) => ConfigReport.text(report, paint),
          () => ConfigReport.json(report)
        )
        if (mistakes.length > 0) return yield* found
      })
    )
).pipe(
  Command.withDescription(
    "Reads the environment as the application would: every setting, where it comes from, and every mistake"
  ),
  Command.withExamples([
    { command: "effect-resilience config check llm", description: "What counts for one service" },
    { command: "effect-resilience config check --file production.env", description: "Before a deployment" }
  ])
)

/** What concerns the configuration. */
export const config = Command.make("config").pipe(
  Command.withDescription("Looks at the configuration"),
  Command.withSubcommands([check])
)

/** The services with these names; for one that nobody says anything about, what counts for all such services. */
const only = <S extends { readonly service: string | undefined }>(
  all: ReadonlyArray<S>,
  names: ReadonlyArray<string>
): ReadonlyArray<S> => {
  if (names.length === 0) return all
  const others = all.find(({ service }) => service === undefined)!
  return names.map((name) => all.find(({ service }) => service === name) ?? { ...others, service: name })
}
