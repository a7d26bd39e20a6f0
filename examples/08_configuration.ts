/**
 * Numbers come from the environment; the call site only says whom it calls.
 */
import { ConfigProvider, Console, Effect } from "effect"
import { Resilience } from "effect-resilience"

const program = Effect.flatMap(Resilience.explain("llm"), Console.log)

/** In an application these are the variables of the process, and `Resilience.layerEnv` is all that it needs. */
const runWith = (variables: Record<string, string>) =>
  program.pipe(
    Effect.provide(Resilience.layerEnv),
    Effect.catchTag("ConfigError", (error) => Console.log(error.message)),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: variables })),
    Effect.runPromise
  )

await runWith({
  TIMEOUT_LLM: "20",
  RETRY_MAX_ATTEMPTS: "4",
  CIRCUIT_BREAKER_LLM_FAIL_MAX: "3",
  CIRCUIT_BREAKER_LLM_TIMEOUT: "500 millis",
  DEADLINE_LLM: "1 minute"
})

// Mistakes are found at start-up, all of them at once.
await runWith({
  RETRY_MAX_ATTEMPTS: "many",
  BULKHEAD_LLM_LIMIT: "0",
  CIRCUIT_BREAKER_LLM_TIMOUT: "5"
})
