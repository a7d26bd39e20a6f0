/**
 * One day of the provider, from its first answer to the report: who takes part, and in which order they begin and end.
 */
import { Effect } from "effect"
import * as Director from "./director.ts"
import * as Gateway from "./gateway.ts"
import * as Load from "./load.ts"
import type { Options } from "./options.ts"
import * as Protection from "./protection.ts"
import { makeClient } from "./provider-client.ts"
import { makeDay } from "./report.ts"
import { type Frame, slotCount } from "./screen.ts"
import { healthy, planDay } from "./script-of-the-day.ts"
import { bySide, makeLedger, recovery } from "./statistics.ts"
import * as Stopwatch from "./stopwatch.ts"
import * as Upstream from "./upstream-process.ts"
import * as Watch from "./watch.ts"

/** Shows what is going on until it is interrupted. */
export type Show = (frame: Effect.Effect<Frame>) => Effect.Effect<never>

export const play = ({ durationSeconds, port, ratePerSecond }: Options, show: Show) =>
  Effect.gen(function* () {
    const dayMillis = durationSeconds * 1000
    const plan = planDay(dayMillis)
    const upstream = yield* Upstream.make(healthy)
    const gatewayUrl = yield* Gateway.start(upstream.url, port)
    const clients = { unprotected: yield* makeClient(gatewayUrl), protected: yield* makeClient(gatewayUrl) }
    const ledgers = bySide(() => makeLedger(dayMillis, slotCount))

    yield* Load.warmUp(clients)
    upstream.countFromZero()

    const stopwatch = yield* Stopwatch.start
    const watch = yield* Watch.start(stopwatch)
    const director = Director.make(plan, upstream, stopwatch)
    const frame = Effect.map(watch.vitals, (vitals): Frame => ({
      ...vitals,
      elapsedMillis: stopwatch.elapsedMillis(),
      dayMillis,
      plan,
      gatewayUrl,
      ledgers,
      upstreamCalls: bySide(upstream.callsOf)
    }))
    yield* Effect.forkScoped(show(frame))

    const load = Load.run({ ratePerSecond, dayMillis, ledgers, clients, stopwatch })
    yield* Effect.raceFirst(Effect.all([director.play, load], { concurrency: 2, discard: true }), upstream.supervise)
    // only when its process is gone has everything arrived that the provider had to say
    yield* upstream.kill
    const { openings, rejections, retries } = yield* watch.vitals
    const recoveryMillis = recovery(watch.transitions, director.recoveredAtMillis())
    return makeDay(ledgers, bySide(upstream.callsOf), { retries, rejections, openings, recoveryMillis })
  }).pipe(Effect.scoped, Effect.provide(Protection.layer))
