/**
 * What is known about services and operations of common names before anybody says anything.
 */
import type { ConfigInput } from "../ResilienceConfig.ts"

/** For all services: in a configuration, retries always have a budget, and no call waits in a queue without an end. */
export const base = {
  retry: { budget: {} },
  bulkhead: { queueTimeout: "30 seconds" }
} as const satisfies ConfigInput

/**
 * For services and operation types with these names: what differs from the defaults. To have a name here is to be known, even
 * with nothing to say.
 */
export const presets = {
  operationTypes: { llm: "60 seconds", auth: "5 seconds", db: "10 seconds", http: "15 seconds" },
  services: {
    llm: {},
    openfga: {
      circuitBreaker: { consecutiveFailures: 10, openDuration: "30 seconds" },
      bulkhead: { maxConcurrent: 50 },
      timeout: { operationType: "auth" }
    },
    redis: {
      circuitBreaker: { openDuration: "30 seconds" },
      bulkhead: { maxConcurrent: 100 },
      timeout: { operationType: "db" }
    },
    keycloak: { timeout: { operationType: "auth" } },
    prometheus: { circuitBreaker: { consecutiveFailures: 3, openDuration: "30 seconds" } },
    db: { bulkhead: { maxConcurrent: 20 } }
  }
} as const satisfies ConfigInput
