/**
 * What responses and errors of an HTTP client mean for a circuit breaker and a retry.
 */
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Classifier from "../../policy/Classifier.ts"
import * as Outcome from "../../policy/Outcome.ts"

/** A response whose status means failure, while the policies look at it. The caller gets the response. */
export class FailingResponse extends HttpClientError.HttpClientError {
  /** So says whoever decides what is a failure, even where the status alone would not. */
  readonly isRetryable = true
  readonly answer: HttpClientResponse.HttpClientResponse
  constructor(response: HttpClientResponse.HttpClientResponse) {
    const { request } = response
    super({ reason: new HttpClientError.StatusCodeError({ request, response }) })
    this.answer = response
  }
}

/** Whether the status of a response means that another attempt may succeed. */
export const isFailure = (response: HttpClientResponse.HttpClientResponse): boolean =>
  response.status >= 400 && Classifier.classify({ status: response.status }, 0).kind !== "not-retryable"

/** What a call says about the health of the server. The breaker finds the `Retry-After` of a failure by itself. */
export const judge: Outcome.Classify = (exit) => {
  const error = exit._tag === "Failure" ? Outcome.subjectOf(exit.cause) : undefined
  if (!HttpClientError.isHttpClientError(error)) return Outcome.classify(exit)
  switch (error.reason._tag) {
    case "InvalidUrlError":
    case "EncodeError":
      return Outcome.ignored
    case "StatusCodeError":
      if (!(error instanceof FailingResponse) && !isFailure(error.reason.response)) return Outcome.success
  }
  return Outcome.classify(exit)
}
