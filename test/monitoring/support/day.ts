/**
 * A day of the demo, watched by a real Prometheus that has our rules.
 */
import { Deferred, Effect, Fiber, type Scope } from "effect"
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import * as Day from "../../../examples/demo/day.ts"
import * as Prometheus from "../../support/prometheus.ts"

export interface WatchedDay {
  readonly prometheus: Prometheus.Prometheus
  /** Seconds since 1970. While it lasted, the gateway was scraped. */
  readonly startedAt: number
  readonly endedAt: number
}

/** The rules as they are, but evaluated every second, for the day is short. */
const quickRules = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "rules-"))
    const files = globSync("monitoring/prometheus/*.rules.yaml").map((file) => {
      const copy = join(folder, basename(file))
      writeFileSync(copy, readFileSync(file, "utf8").replaceAll(/interval: \d+s/g, "interval: 1s"))
      return copy
    })
    return { folder, files }
  }),
  ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

/** Plays a day from its first to its last second; Prometheus goes on until the scope closes. */
export const watch = (durationSeconds: number): Effect.Effect<WatchedDay, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const gateway = yield* Deferred.make<string>()
    const options = { durationSeconds, ratePerSecond: 40, port: 0, json: true, help: false }
    const day = yield* Effect.forkChild(
      Day.play(options, (frame) =>
        Effect.andThen(
          Effect.flatMap(frame, ({ gatewayUrl }) => Deferred.succeed(gateway, gatewayUrl)),
          Effect.never
        )
      )
    )
    const url = yield* Effect.raceFirst(Deferred.await(gateway), Effect.andThen(Fiber.join(day), Effect.never))
    const dawn = Date.now() / 1000
    const { files } = yield* quickRules
    const prometheus = yield* Prometheus.start({ targets: { gateway: new URL(url).host }, rules: files })
    const startedAt = Date.now() / 1000
    yield* Fiber.join(day)
    // In the last second the gateway may be gone already.
    return { prometheus, startedAt, endedAt: dawn + durationSeconds - 1 }
  })
