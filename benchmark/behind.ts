/**
 * Targets that are not reached, each with the cost that is kept instead: more than that fails the run.
 *
 * Whoever reaches a target removes its line: a case that is better than its target, all noise allowed for, is no longer behind.
 */
import type { Targets } from "./case.ts"

/** By the name of the case. */
export const behind: Readonly<Record<string, Targets>> = {}
