/**
 * How much memory instances and keys take.
 */
import type { Case, Targets } from "../case.ts"
import { run } from "../measures/process.ts"
import type { Figures } from "../measures/rounds.ts"
import type { KeyedPattern, Peer } from "../peers/Peer.ts"
import { ours } from "../peers/ours.ts"
import { libraries } from "./compare.ts"

const bytesOf = async (args: ReadonlyArray<string>): Promise<number | undefined> =>
  (await run<{ readonly bytes?: number }>("memory.ts", args)).bytes

const compared = (name: string, kind: string, pattern: keyof Peer, targets: Targets): Case => ({
  name,
  unit: "bytes",
  targets,
  isSlow: Object.keys(targets).length === 0,
  measure: async ({ isQuick }) => {
    const figures: Record<string, Figures[string]> = {}
    for (const peer of isQuick ? [ours] : libraries) {
      const bytes = await bytesOf([peer.name, kind, pattern])
      if (bytes !== undefined) figures[peer.name] = [bytes]
    }
    return figures
  }
})

const instance = (name: string, pattern: keyof Peer, targets: Targets = {}): Case =>
  compared(`instance: ${name}`, "instance", pattern, targets)

const key = (name: string, pattern: KeyedPattern, targets: Targets = {}): Case =>
  compared(`key: ${name}`, "key", pattern, targets)

const millionKeys: Case = {
  name: "what a million keys leave behind in one breaker",
  unit: "bytes",
  targets: { ours: 10_000_000 },
  measure: async () => ({ ours: [(await bytesOf(["million-keys"])) ?? Number.NaN] })
}

export const memory: ReadonlyArray<Case> = [
  key("breaker, consecutive failures", "consecutiveBreaker"),
  key("breaker, count window of 100", "countBreaker", { ours: 300 }),
  key("breaker, time window of 30 s", "timeBreaker"),
  key("bulkhead", "bulkhead"),
  instance("breaker, consecutive failures", "consecutiveBreaker", { ours: 600 }),
  instance("breaker, count window of 100", "countBreaker"),
  instance("breaker, time window of 30 s", "timeBreaker"),
  instance("retry", "retry"),
  instance("timeout", "timeout"),
  instance("bulkhead", "bulkhead"),
  instance("fallback", "fallback"),
  instance("five patterns", "stack"),
  millionKeys
]
