/**
 * The resilience toolkit of the Effect ecosystem.
 */
export * as Bulkhead from "./policy/Bulkhead.ts"
export * as CircuitBreaker from "./policy/CircuitBreaker.ts"
export * as Classifier from "./policy/Classifier.ts"
export * as Deadline from "./policy/Deadline.ts"
export * as ErrorTraits from "./policy/ErrorTraits.ts"
export * as Fallback from "./policy/Fallback.ts"
export * as Outcome from "./policy/Outcome.ts"
export * as Pipeline from "./policy/Pipeline.ts"
export * as Policy from "./policy/Policy.ts"
export * as ProtectedStream from "./policy/ProtectedStream.ts"
export * as ResilienceError from "./policy/ResilienceError.ts"
export * as Retry from "./policy/Retry.ts"
export * as ServiceError from "./policy/ServiceError.ts"
export * as Timeout from "./policy/Timeout.ts"
export * as Resilience from "./resilience/Resilience.ts"
export * as ResilienceConfig from "./resilience/ResilienceConfig.ts"
