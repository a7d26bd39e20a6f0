/**
 * What no schema says about configuration.
 */
import { table } from "./markdown.ts"

const fence = "```"

const layers = table(
  ["layer", "configured by", "a mistake is"],
  [
    ["`Resilience.layer({ ... })`", "the literal", "a defect at start-up"],
    ["`Resilience.layerEnv`", "the environment", "a `ConfigError` at start-up"],
    ["`Resilience.layerEnvWith({ ... })`", "the literal, changed by the environment", "one of the two"]
  ]
)

/** What stands before the tables. */
export const before = `Every option of every pattern, with its variables. A service is the name that you give to what you call:
\`Resilience.protect("llm")\`.

${layers}

${fence}ts
import { ConfigProvider, Effect } from "effect"
import { Resilience } from "effect-resilience"

const ResilienceLive = Resilience.layerEnvWith({
  retry: { maxAttempts: 4 }, // all services
  services: {
    prices: { timeout: "2 seconds", bulkhead: { maxConcurrent: 20 }, deadline: "5 seconds" },
    audit: { retry: false }
  }
})

// the variables of the process, unless a test or a deployment brings its own
const variables = ConfigProvider.fromEnv({ env: { TIMEOUT_PRICES: "1.5", BULKHEAD_PRICES_LIMIT: "30" } })

const explained = await Resilience.explain("prices").pipe(
  Effect.provide(ResilienceLive),
  Effect.provideService(ConfigProvider.ConfigProvider, variables),
  Effect.runPromise
)
explained.includes("1s 500ms for an attempt") // => true
explained.includes("30 calls at once") // => true
${fence}

**Which one counts.** What is said about one service counts more than what is said about all, and the environment more than
the literal. From the strongest to the weakest:

1. the variable of the service (\`RETRY_PRICES_MAX_ATTEMPTS\`),
2. the literal for the service (\`services: { prices: ... }\`),
3. the preset of the service (below; only for these names),
4. the variable for all (\`RETRY_MAX_ATTEMPTS\`),
5. the literal for all,
6. the default.

A variable for all does not change what a preset says: \`CIRCUIT_BREAKER_FAIL_MAX\` leaves \`openfga\` at 10. For the time of an
attempt, between 2 and 4 stand those of its operation type: variable, literal (\`operationTypes\`), preset. So
\`TIMEOUT_DEFAULT\` does not change \`llm\`, and \`TIMEOUT_LLM\` does.

**Names.** \`paymentApi\`, \`payment-api\` and \`payment_api\` are all \`PAYMENT_API\` in a variable. A variable that begins like
ours and means nothing is an error, with the one that was probably meant. Where your environment has such names of its own, put
ours behind [a prefix](guide.md#variables-with-a-prefix).

A service may have any name, so what is found of a misspelt one depends on what is known of the others. With
\`Resilience.layerEnvWith({ services: { ... } })\`, every variable of a service that is neither declared nor a preset is a warning at
start-up, and an error with \`RESILIENCE_STRICT=true\`. With \`layerEnv\` alone, it is one only if the name is nearly that of a
preset (\`TIMEOUT_LMM\`); and when a service is used first of which nothing is known, and a variable nearly has its name
(\`TIMEOUT_BILING\`), that is a warning.

**Values.** In a variable a bare number is **seconds**, in code it is **milliseconds**; \`500 millis\`, \`2 minutes\` and
\`Infinity\` are understood in both. A variable may also have what the tools print: \`300ms\`, \`5s\`, \`1m 30s\`. What the command
line is told is read as a variable is. True is \`true\`, \`yes\`, \`on\`, \`1\`, and false \`false\`, \`no\`, \`off\`, \`0\`. Options that
have no effect together, such as \`failureRate\` without a window, are an error.

**Switches.** \`RETRY_ENABLED=false\` also switches off the retries of a service to which only the literal gives options.
\`RETRY_PRICES_ENABLED=true\` is stronger.

**While it runs**, the command \`set\` and \`reconfigure\` of an instance change every option that is not called fixed; what was
counted, and who runs or waits, stays. The change is for that process, and ends with it.

**Defaults** are those of a configuration. Where \`make\` of the pattern has another one, both are told.`

/** What stands behind them. */
export const after = `Functions are options of the call or of \`make\`: \`classify\` of a circuit breaker, \`classify\` and \`while\` of a
retry, \`fallback\` of \`Resilience.protect\`. See the [guide](guide.md#what-counts-as-a-failure).`
