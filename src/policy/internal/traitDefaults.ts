/**
 * What follows from an error's status or category, and what contradicts it.
 */
import type { Category, Declaration, ErrorTraits, RetryPolicy } from "../ErrorTraits.ts"

/** Traits that are the same for all errors of a class. */
export type Fixed = Pick<ErrorTraits, "errorCode" | "httpStatus" | "category" | "retryPolicy" | "needsHint">

const STATUS: Readonly<Record<Category, number>> = {
  client_error: 400,
  auth_error: 401,
  rate_limit: 429,
  server_error: 500,
  external_error: 503
}

const CATEGORY = new Map<number, Category>([
  [401, "auth_error"],
  [403, "auth_error"],
  [429, "rate_limit"],
  [502, "external_error"],
  [504, "external_error"],
  [529, "external_error"]
])

const RETRY_POLICY = new Map<number, RetryPolicy>([
  [408, "always"],
  [425, "always"],
  [429, "conditional"],
  [502, "always"],
  [503, "always"],
  [504, "always"],
  [529, "always"]
])

const MESSAGE: Readonly<Record<Category, string>> = {
  client_error: "The request is not valid. Please check it.",
  auth_error: "Please sign in and try again.",
  rate_limit: "Too many requests. Please wait a moment and try again.",
  server_error: "Something went wrong on our side. Please try again later.",
  external_error: "The service is temporarily unavailable. Please try again later."
}

const MESSAGE_OF_STATUS = new Map<number, string>([
  [403, "You do not have permission to do this."],
  [404, "What you asked for was not found."],
  [409, "The request is in conflict with what is there now."],
  [501, "This is not available yet."],
  [504, "The service took too long to answer. Please try again."],
  [529, "The service is under heavy load. Please try again later."]
])

/** The category of a status about which nothing else is known. */
export const categoryOf = (status: number): Category =>
  CATEGORY.get(status) ?? (status < 500 ? "client_error" : "server_error")

/** A message for users that fits everything with this status and category. */
export const messageOf = ({ category, httpStatus }: Pick<ErrorTraits, "category" | "httpStatus">): string => {
  const ofStatus = MESSAGE_OF_STATUS.get(httpStatus)
  // A message about the status 403 is about permissions only where the error is.
  return ofStatus !== undefined && (httpStatus !== 403 || category === "auth_error") ? ofStatus : MESSAGE[category]
}

/** The traits of a class, with everything that it does not say. */
export const complete = (declared: Partial<Declaration<never>>): Fixed => {
  const category = declared.category ?? categoryOf(declared.httpStatus ?? STATUS.server_error)
  const httpStatus = declared.httpStatus ?? STATUS[category]
  return {
    errorCode: declared.errorCode ?? "",
    httpStatus,
    category,
    retryPolicy: declared.retryPolicy ?? RETRY_POLICY.get(httpStatus) ?? "never",
    needsHint: declared.needsHint
  }
}

/** What is wrong with the traits of a class. */
export const mistakesOf = ({ category, errorCode, httpStatus, retryPolicy }: Fixed): ReadonlyArray<string> => {
  const mistakes: Array<string> = []
  const expect = (holds: boolean, name: string, expected: string, value: unknown): void => {
    if (!holds) mistakes.push(`${name}: expected ${expected}, got ${JSON.stringify(value)}`)
  }
  expect(/^\S+$/.test(errorCode), "errorCode", "a name without spaces", errorCode)
  expect(category in STATUS, "category", `one of ${Object.keys(STATUS).join(", ")}`, category)
  expect(
    ["never", "always", "conditional"].includes(retryPolicy),
    "retryPolicy",
    "never, always or conditional",
    retryPolicy
  )
  expect(isStatus(httpStatus), "httpStatus", "a whole number from 400 to 599", httpStatus)
  const [of, from] = category === "server_error" ? ["5xx", 500] : ["4xx", 400]
  const fits = category === "external_error" || Math.floor(httpStatus / 100) * 100 === from
  if (mistakes.length === 0) expect(fits, "httpStatus", `a ${of} in the category ${category}`, httpStatus)
  return mistakes
}

/** Whether a number is the status of an error. */
export const isStatus = (status: number): boolean => Number.isInteger(status) && status >= 400 && status <= 599
