/**
 * `npm run models`: every policy beside its model, for as many runs as you like.
 */
import { parseArgs } from "node:util"
import { models } from "../test/models/all.ts"

const help = `
Random sequences of calls, interruptions, waits and orders for a policy and for its model, which must agree at each step.

Usage: npm run models -- [options]

  --runs <n>       how many sequences (10000)
  --policy <name>  one of ${models.map(({ policy }) => policy).join(", ")}
  --seed <n>       the seed of the first sequence; each further one has the next (1)
  --help           this text

A difference is printed with its seed and the shortest sequence that leads to it.
`.trimStart()

const CHUNK = 10_000

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10000" },
    policy: { type: "string" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false }
  }
})

const natural = (name: string, text: string): number => {
  const value = Number(text)
  if (text !== "" && Number.isSafeInteger(value) && value >= 0) return value
  throw new Error(`--${name}: expected a whole number, got "${text}"`)
}

const chosen = (policy: string | undefined) => {
  if (policy === undefined) return models
  const found = models.filter((model) => model.policy === policy)
  if (found.length > 0) return found
  throw new Error(`--policy: expected one of ${models.map((model) => model.policy).join(", ")}, got "${policy}"`)
}

const isAsItsModel = ({ check, policy }: (typeof models)[number], runs: number, seed: number): boolean => {
  const started = performance.now()
  const seconds = () => ((performance.now() - started) / 1_000).toFixed(1)
  try {
    for (let done = 0; done < runs; done += CHUNK) {
      check({ seed: seed + done, runs: Math.min(CHUNK, runs - done) })
    }
    console.log(`passed ${policy}: ${runs} runs, ${seconds()} s`)
    return true
  } catch (error) {
    console.log(`failed ${policy}: ${seconds()} s\n${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

if (values.help) console.log(help)
else {
  try {
    const runs = natural("runs", values.runs)
    const seed = natural("seed", values.seed)
    if (
      !chosen(values.policy)
        .map((model) => isAsItsModel(model, runs, seed))
        .every(Boolean)
    )
      process.exitCode = 1
  } catch (error) {
    console.log(error instanceof Error ? error.message : String(error))
    process.exitCode = 2
  }
}
