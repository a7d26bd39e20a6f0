import { describe, expect, it } from "@effect/vitest"
import { shownOf } from "../../../src/resilience/internal/shown.ts"

describe("the value of a variable", () => {
  it.each([
    "TIMEOUT_LLM",
    "TIMEOUT_AUTH",
    "DEADLINE_AUTH",
    "TIMEOUT_MONKEY",
    "TIMEOUT_COMPASS",
    "RETRY_MAX_KEYS",
    "CIRCUIT_BREAKER_LLM_MAX_KEYS",
    "BULKHEAD_KEY_IDLE_TIME"
  ])("%s is shown", (name) => {
    expect(shownOf(name, "sk-canary")).toBe("sk-canary")
  })

  it.each([
    "TIMEOUT_openai_api_key",
    "TIMEOUT_OPENAI_APIKEY",
    "TIMEOUT_OPENAI_API_KEYS",
    "TIMEOUT_openaiApiKey",
    "TIMEOUT_LLM_KEY",
    "TIMEOUT_LLM_KEYS",
    "TIMEOUT_LLM_AUTH",
    "TIMEOUT_DB_PWD",
    "TIMEOUT_DB_PASSWD",
    "TIMEOUT_DB_PASS",
    "TIMEOUT_DB_PASSWORDS",
    "TIMEOUT_dbPassword",
    "TIMEOUT_SENTRY_DSN",
    "TIMEOUT_TOKENS",
    "TIMEOUT_AUTH_TOKEN",
    "TIMEOUT_CLIENT_SECRETS",
    "TIMEOUT_PASSPHRASE",
    "TIMEOUT_CREDENTIALS",
    "TIMEOUT_AWS_CREDS"
  ])("%s is that of a secret, and not shown", (name) => {
    expect(shownOf(name, "sk-canary")).toBe("<redacted>")
  })
})
