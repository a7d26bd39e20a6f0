/**
 * Models in their order, until one answers.
 */
import type * as Arr from "effect/Array"
import * as Deadline from "../../policy/Deadline.ts"
import * as Fallback from "../../policy/Fallback.ts"
import * as Recovery from "../../policy/internal/Recovery.ts"
import { firstToBegin } from "../../policy/internal/streamRecovery.ts"
import type * as Policy from "../../policy/Policy.ts"
import * as ProtectedStream from "../../policy/ProtectedStream.ts"
import type { AnyEffect, AnyStream, Guarded } from "./Candidate.ts"
import { isPreamble } from "./errorPart.ts"
import { isAnswerable } from "./judgement.ts"
import type { Tools } from "./tools.ts"

/** Asks models one after the other, all within one deadline. */
export interface FirstToAnswer {
  readonly run: (ask: (candidate: Guarded) => AnyEffect, tools: Tools) => AnyEffect
  readonly stream: (ask: (candidate: Guarded) => AnyStream, tools: Tools) => AnyStream
}

/** Deadline and counts are those of the service. */
export const make = (
  registry: Policy.ResilienceRegistry["Service"],
  service: string,
  candidates: Arr.NonEmptyReadonlyArray<Guarded>,
  when: (error: unknown) => boolean
): FirstToAnswer => {
  const deadline = registry.get(Deadline.Kind, service)
  const record = registry.get(Fallback.Kind, service)
  const recover = (
    self: AnyEffect,
    index: number,
    answer: (candidate: Guarded) => AnyEffect,
    tools: Tools
  ): AnyEffect => {
    const next = candidates[index + 1]
    if (next === undefined) return self
    const { model, provider } = next
    const attributes = { provider, model }
    return Recovery.guard(
      self,
      {
        type: "model",
        service,
        when: (error) => isAnswerable(error) && !tools.areToBlame(error) && when(error),
        answer: () => ({ effect: recover(answer(next), index + 1, answer, tools), attributes })
      },
      // The call is counted once, by the first guard; the others only tell of themselves.
      () => (index === 0 ? record : undefined)
    ) as AnyEffect
  }
  const [primary] = candidates
  return {
    run: (ask, tools) => {
      const answer = recover(ask(primary), 0, ask, tools)
      return deadline === undefined ? answer : deadline.execute(answer)
    },
    stream: (ask, tools) => {
      const answer = firstToBegin(
        ask(primary),
        (open, reopen) => recover(open as AnyEffect, 0, (candidate) => reopen(ask(candidate)) as AnyEffect, tools),
        isPreamble
      ) as AnyStream
      return deadline === undefined ? answer : ProtectedStream.protect(answer, deadline)
    }
  }
}
