/**
 * What both sides of the API know of its limits.
 */

/** The most letters of an operator's name. */
export const LONGEST_OPERATOR = 200
