/**
 * Targets that are not reached, or not in every run, each with the cost that is kept instead: more than that fails the run.
 *
 * Whoever reaches a target removes its line: a case that is better than its target, all noise allowed for, is no longer behind.
 */
import type { Targets } from "./case.ts"

/** By the name of the case. */
export const behind: Readonly<Record<string, Targets>> = {
  // Reads Effect's clock, which a test can replace; cockatiel asks `Date`.
  "closed breaker, time window": { cockatiel: 3 },
  // An error of its own for every rejection, with the time until the next probe: one that calls share would be a fifth cheaper.
  "rejection by an open circuit": { cockatiel: 0.45 },
  // It counts successes, so it must look at both ends of a call.
  "retry that succeeds at once": { cockatiel: 2.5, effect: 0.2 },
  "five patterns around an HTTP call of 1 ms": { ours: 10 },
  "10,000 at once: throughput": { cockatiel: 0.3, effect: 0.3 },
  // A call that has to wait takes the nested form, with a frame for each part: twice the memory of the fused one while it waits.
  "10,000 at once, 100 of them running: throughput": { cockatiel: 1.5 },
  // Windows, keys, probes, hints and checked options are in every breaker; without all of them 6.3 kB would be left.
  "bundle of CircuitBreaker, compressed": { ours: 11_300 },
  "bundle of Retry, compressed": { ours: 9_500 },
  // Reached on a quiet machine, and too close to the target for a busy one.
  "closed breaker, consecutive failures": { cockatiel: 2.5 },
  "closed breaker, count window": { cockatiel: 2.5 },
  "five patterns, asynchronous": { cockatiel: 0.4, effect: 0.25 },
  "timeout that is not reached, asynchronous": { effect: 0.6 },
  "metrics, log and traces on, against off, immediate": { off: 1.3 },
  "metrics, log and traces on, against off, asynchronous": { off: 1.3 },
  "by name, against by instance, immediate": { instance: 1.5 },
  "by name, against by instance, asynchronous": { instance: 1.5 },
  "a call's turn in a queue of 10,000, against one of 100": { "queue of 100": 3 }
}
