/**
 * Which statements may be run again when nobody knows whether they were run.
 */

/** No text can be read in two ways, or the time to find that none fits would double with each comment. */
const START = /^(?:\s|\(|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:SELECT|SHOW|TABLE|VALUES|WITH)\b/i

/** Words that a statement which only reads can do without. Inside of a text or a name they do no harm but to the retry. */
const WRITES =
  /\b(?:ALTER|CALL|CREATE|DELETE|DROP|INSERT|INTO|LOCK|MERGE|NEXTVAL|PG_\w*(?:ADVISORY|BACKEND|NOTIFY)\w*|SETVAL|SET_CONFIG|SHARE|TRUNCATE|UPDATE)\b|;\s*\S/i

/** Whether a statement only reads, as far as its text tells: a function that it calls may do anything. */
export const isRead = (sql: string): boolean => START.test(sql) && !WRITES.test(sql)
