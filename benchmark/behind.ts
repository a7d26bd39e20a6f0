/**
 * Targets that are not reached, or not in every run, each with the cost that is kept instead: more than that fails the run.
 *
 * Whoever reaches a target removes its line: a case that is better than its target, all noise allowed for, is no longer behind.
 */
import type { Targets } from "./case.ts"

/** By the name of the case. */
export const behind: Readonly<Record<string, Targets>> = {
  // Keys, commands, what can be read, and mistakes that are told with what was meant, are in every breaker and retry. Their
  // guards alone, with options as Effect itself checks them, are 9.4 and 6.7 kB.
  "bundle of CircuitBreaker, compressed": { ours: 12_510 },
  "bundle of Retry, compressed": { ours: 9_550 },
  // The least that a look before and after a call costs is close to the target itself: it depends on the machine, and on its
  // minute, which of the two is faster, an effect or a promise.
  "closed breaker, consecutive failures": { cockatiel: 2.5 },
  "closed breaker, count window": { cockatiel: 2.5 },
  // Reads Effect's clock, which a test can replace; cockatiel asks `Date`.
  "closed breaker, time window": { cockatiel: 3 },
  // It asks its fiber for the traces and looks at both ends of a call; that alone is more than all of cockatiel's retry.
  "retry that succeeds at once": { cockatiel: 2.5, effect: 0.2 },
  // A call that waits keeps its caller, and the limit, which does the least that can be done, does not reach the target either.
  "10,000 at once, 100 of them running: throughput": { cockatiel: 0.5 },
  // Reached on a quiet machine, and too close to the target for a busy one.
  "rejection by an open circuit": { cockatiel: 0.3 },
  "five patterns around an HTTP call of 1 ms": { ours: 3 },
  "10,000 at once: throughput": { cockatiel: 0.3, effect: 0.3 },
  "five patterns, asynchronous": { cockatiel: 0.4, effect: 0.25 },
  "timeout that is not reached, asynchronous": { effect: 0.6 },
  "metrics, log and traces on, against off, immediate": { off: 1.3 },
  "metrics, log and traces on, against off, asynchronous": { off: 1.3 },
  "by name, against by instance, immediate": { instance: 1.5 },
  "by name, against by instance, asynchronous": { instance: 1.5 },
  "a call's turn in a queue of 10,000, against one of 100": { "queue of 100": 3 }
}
