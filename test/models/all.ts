/**
 * One model for each policy.
 */
import { bulkhead } from "./BulkheadModel.ts"
import { circuitBreaker } from "./CircuitBreakerModel.ts"
import { deadline } from "./DeadlineModel.ts"
import { fallback } from "./FallbackModel.ts"
import { retry } from "./RetryModel.ts"
import { check, type Model, type Scope } from "./support/Model.ts"
import { timeout } from "./TimeoutModel.ts"

export interface Checked {
  readonly policy: string
  /** Fails at the first run in which the policy is not as its model. */
  readonly check: (scope: Scope) => void
}

const checked = <Plan, Order extends { readonly _tag: string }>(model: Model<Plan, Order>): Checked => ({
  policy: model.policy,
  check: (scope) => check(model, scope)
})

export const models: ReadonlyArray<Checked> = [
  checked(circuitBreaker),
  checked(retry),
  checked(timeout),
  checked(deadline),
  checked(bulkhead),
  checked(fallback)
]
