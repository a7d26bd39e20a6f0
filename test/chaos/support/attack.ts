/**
 * One short attack.
 */
import { Effect } from "effect"
import * as Attack from "../../../reliability/chaos/attack.ts"
import * as Claims from "../../../reliability/chaos/claims.ts"
import type { Target } from "../../../reliability/chaos/target.ts"
import { broken, line } from "../../../reliability/support/verdict.ts"

const settings: Attack.Settings = { ratePerSecond: 100, healthyMillis: 150, faultMillis: 900 }

/** What did not hold. */
export const violations = (target: Target, fault: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(Attack.run(target, fault, settings), (report) => broken(Claims.of(report)).map(line))
