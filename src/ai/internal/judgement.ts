/**
 * What a failed call of a language model means: for the retry, for the circuit breaker, and for the other models.
 */
import * as AiError from "effect/ai/AiError"
import * as Classifier from "../../policy/Classifier.ts"
import * as Outcome from "../../policy/Outcome.ts"
import { isResilienceError } from "../../policy/ResilienceError.ts"

type Tag = AiError.AiErrorReason["_tag"]

/** The model answered, though not as we wanted: that is no fault of the provider. */
const ANSWERS: ReadonlySet<Tag> = new Set<Tag>(["InvalidOutputError", "StructuredOutputError"])

/** Our own program is wrong: the call would end like this with every model. */
const OWN_FAULTS: ReadonlySet<Tag> = new Set<Tag>([
  "InvalidUserInputError",
  "ToolConfigurationError",
  "ToolkitRequiredError",
  "InvalidToolResultError",
  "ToolResultEncodingError"
])

/** The request does not suit this model, or is not allowed: another one may think differently. */
const REQUESTS: ReadonlySet<Tag> = new Set<Tag>([
  "InvalidRequestError",
  "ContentPolicyError",
  "UnsupportedSchemaError",
  "ToolNotFoundError",
  "ToolParameterValidationError"
])

/** What providers call the lack of money, which no waiting ends, though its status is that of a rate limit. */
const QUOTA_CODES: ReadonlySet<unknown> = new Set([
  "insufficient_quota",
  "billing_hard_limit_reached",
  "billing_not_active",
  "billing_error"
])

/** What Anthropic calls the lack of capacity, also in the middle of a stream, where no status tells. */
const OVERLOAD_CODE = "overloaded_error"

/** Classifies an error of a model. What is not about the model, such as the error of a tool, is not retried. */
export const classify = (error: unknown, now: number): Classifier.Classification | undefined => {
  if (isResilienceError(error)) return undefined
  if (!AiError.isAiError(error)) return Classifier.notRetryable
  const codes = codesOf(error.reason)
  if (codes.some((code) => QUOTA_CODES.has(code))) return Classifier.notRetryable
  if (!codes.includes(OVERLOAD_CODE)) return undefined
  const retryAfter = Classifier.retryAfter(error, now)
  return retryAfter === undefined ? Classifier.overloaded : { ...Classifier.overloaded, retryAfter }
}

/** What a call says about the health of a model. */
export const judge: Outcome.Classify = (exit) => {
  if (exit._tag === "Success") return Outcome.success
  const error = Outcome.firstError(exit.cause)
  if (!Outcome.isRecoverable(exit.cause) || isResilienceError(error)) return Outcome.ofCause(exit.cause)
  if (!AiError.isAiError(error)) return Outcome.ignored
  const { _tag } = error.reason
  if (ANSWERS.has(_tag)) return Outcome.success
  return OWN_FAULTS.has(_tag) || REQUESTS.has(_tag) ? Outcome.ignored : Outcome.ofCause(exit.cause)
}

/** Whether another model may do better. */
export const isAnswerable = (error: unknown): boolean =>
  isResilienceError(error) || (AiError.isAiError(error) && !OWN_FAULTS.has(error.reason._tag))

/** The names that a provider gave its error: the layers keep them in their metadata, and the body as it was. */
const codesOf = (reason: AiError.AiErrorReason): ReadonlyArray<unknown> => {
  const metadata: Readonly<Record<string, unknown>> = "metadata" in reason ? reason.metadata : {}
  const body = "http" in reason ? bodyOf(reason.http?.body) : undefined
  return [...Object.values(metadata), Object(body)["error"]].flatMap((said) => {
    const { code, errorCode, errorType, type } = Object(said) as Readonly<Record<string, unknown>>
    return [code, errorCode, errorType, type]
  })
}

const bodyOf = (text: string | undefined): unknown => {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
