/**
 * `npm run chaos`: one fault after the other, drawn from a seed, on real servers under load.
 */
import { Effect, Random, type Scope } from "effect"
import { isInstalled } from "../../test/support/programs.ts"
import * as Arguments from "../support/arguments.ts"
import { describe, type Endings, merge } from "../support/endings.ts"
import { broken, type Check, conclude, figure, line } from "../support/verdict.ts"
import * as Attack from "./attack.ts"
import * as Claims from "./claims.ts"
import * as Http from "./http.ts"
import * as Redis from "./redis.ts"
import type { Target } from "./target.ts"

const help = `
Breaks real servers while they are used through the whole pipeline: one fault after the other, drawn from a seed.

Usage: npm run chaos -- [options]

  --seconds <number>  how long it goes on (default 300)
  --seed <number>     by default another one each time
  --round <number>    only this round of the seed
  --json              one JSON object instead of the text
  --help              this text

Exit code 1: a call hung, a server was not used again in time, something was lost or left over.
`

const given = Arguments.read({ seconds: 300, seed: Math.floor(Math.random() * 1e6), round: 0, json: false }, help)

const print = (text: string): void => {
  if (!given.json) console.log(text)
}

interface Round {
  readonly round: number
  readonly name: string
  readonly report: Attack.Report
  readonly checks: ReadonlyArray<Check>
}

const makers: Readonly<Record<string, Effect.Effect<Target, never, Scope.Scope>>> = {
  "node:http": Http.make("node:http"),
  undici: Http.make("undici"),
  ...(isInstalled("redis-server") ? { redis: Redis.make } : {})
}

/** Everything about a round follows from the seed and its number, so that it can be repeated by itself. */
const play = (targets: ReadonlyArray<readonly [name: string, target: Target]>, round: number): Effect.Effect<Round> =>
  Effect.gen(function* () {
    const plan = yield* Effect.gen(function* () {
      const [client, target] = yield* Random.choice(targets)
      return {
        client,
        target,
        fault: yield* Random.choice(target.faults),
        settings: {
          ratePerSecond: yield* Random.nextIntBetween(20, 200),
          healthyMillis: yield* Random.nextIntBetween(100, 500),
          faultMillis: yield* Random.nextIntBetween(900, 3_000)
        }
      }
    }).pipe(Random.withSeed(`${given.seed}/${round}`), Effect.orDie)
    const { client, fault, settings, target } = plan
    const report = yield* Attack.run(target, fault, settings)
    const checks = Claims.of(report)
    print(
      `round ${round}, ${client}: ${fault}, for ${settings.faultMillis} ms at ${settings.ratePerSecond} per second\n` +
        `  ${describe(report.endings)}; longest ${figure(report.longestMillis)} ms, ` +
        `recovered in ${figure(report.recoveryMillis)} ms`
    )
    for (const check of broken(checks)) print(`  ${line(check)}`)
    return { round, name: `${client}: ${fault}`, report, checks }
  })

const program = Effect.gen(function* () {
  const targets: Array<readonly [string, Target]> = []
  for (const [name, make] of Object.entries(makers)) targets.push([name, yield* make])
  const rounds: Array<Round> = []
  const began = performance.now()
  const isOver = () =>
    given.round > 0 ? rounds.length === 1 : rounds.length > 0 && performance.now() - began > given.seconds * 1000
  for (let round = given.round || 1; !isOver(); round++) rounds.push(yield* play(targets, round))
  return rounds
})

print(
  `seed ${given.seed}, node ${process.version}${isInstalled("redis-server") ? "" : "; redis-server is not installed"}`
)
const rounds = await Effect.runPromise(Effect.scoped(program))
const endings: Endings = merge(rounds.map(({ report }) => report.endings))
const worst = (of: (report: Attack.Report) => number) => figure(Math.max(...rounds.map(({ report }) => of(report))))
print(
  `\n${rounds.length} rounds: ${describe(endings)}; longest call ${worst((report) => report.longestMillis)} ms, ` +
    `slowest recovery ${worst((report) => report.recoveryMillis)} ms, ` +
    `this process stood still for ${worst((report) => report.stallMillis)} ms at most`
)
const verdict = conclude(rounds.flatMap(({ checks }) => checks))
print(verdict)
const plain = (_: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value)
if (given.json) console.log(JSON.stringify({ seed: given.seed, rounds, verdict }, plain))
