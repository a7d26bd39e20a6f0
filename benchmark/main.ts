/**
 * `npm run bench`: what the policies cost, beside what others cost, in one run.
 */
import { execFileSync } from "node:child_process"
import { cpus, loadavg } from "node:os"
import { parseArgs } from "node:util"
import { type Case, cases, type Peer } from "./cases.ts"
import type { Memory } from "./memory.ts"
import { type Added, ratio, time, type Variant } from "./runner.ts"

const help = `
What the policies cost, beside Effect's own parts and cockatiel, in one process.

Usage: npm run bench -- [options]

  --filter <text>  only cases whose name contains the text
  --quick          fewer and shorter rounds
  --json           one JSON object instead of the table
  --help           this text

Figures are the nanoseconds that a guard adds to the bare operation: medians over interleaved rounds, with the
quartiles of ours. A ratio is ours as a multiple of the other, in the same round. A target counts as missed when the
ratio is above it by more than the noise allowed for.
`.trimStart()

/** A shared machine moves ratios of one run by this much. */
const NOISE = 1.25

interface Result {
  readonly name: string
  readonly addedNanos: Readonly<Record<string, number>>
  readonly ratios: Readonly<Record<string, number>>
  readonly target: Case["targets"]
  readonly met: boolean
}

const parsed = parseArgs({
  options: {
    filter: { type: "string", default: "" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
}).values

const print = (line: string): void => {
  if (!parsed.json) console.log(line)
}

const measure = async ({ name, targets, variants }: Case): Promise<Result> => {
  const settings = parsed.quick ? { rounds: 7, batchMillis: 4 } : { rounds: 21, batchMillis: 15 }
  const { ours, ...peers } = (await time({ ...variants } as Record<string, Variant>, settings)) as Record<
    string,
    Added
  > & { readonly ours: Added }
  const ratios = Object.fromEntries(Object.entries(peers).map(([peer, added]) => [peer, ratio(ours, added)]))
  const met = Object.entries(targets).every(([peer, most]) => ratios[peer]! <= most * NOISE)
  const added = Object.entries({ ours, ...peers }).map(([variant, { median }]) => [variant, Math.round(median)])
  const [low, high] = ours.quartiles
  print(`\n${name}: ours ${Math.round(ours.median)} ns (${Math.round(low)} to ${Math.round(high)})`)
  for (const [peer, value] of Object.entries(ratios)) {
    const most = targets[peer as Peer]
    const wanted =
      most === undefined ? "" : `, at most ${most.toFixed(3)} wanted${value <= most * NOISE ? "" : ": MISSED"}`
    print(`  ${value.toFixed(3)} x ${peer} (${Math.round(peers[peer]!.median)} ns)${wanted}`)
  }
  return { name, addedNanos: Object.fromEntries(added), ratios, target: targets, met }
}

const measureMemory = (): { readonly memory: Memory; readonly met: boolean } => {
  const program = new URL("./memory.ts", import.meta.url).pathname
  const flags = ["--expose-gc", "--conditions=effect-resilience-source", program]
  const memory: Memory = JSON.parse(execFileSync(process.execPath, flags, { encoding: "utf8" }))
  print(`\nmemory: ${memory.bytesPerBreaker} bytes for a breaker, at most 600 wanted`)
  print(`  ${memory.bytesPerKey} bytes for a key, ${memory.bytesPerKeyWithWindow} with a count window of 100`)
  print(`  ${(memory.millionKeysBytes / 1e6).toFixed(1)} MB after calls with a million keys, at most 10 wanted`)
  return { memory, met: memory.bytesPerBreaker <= 600 && memory.millionKeysBytes <= 10_000_000 }
}

const main = async (): Promise<void> => {
  if (parsed.help) return console.log(help)
  const chosen = cases.filter(({ name }) => name.includes(parsed.filter))
  const load = loadavg()[0]!.toFixed(2)
  print(`node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"}, load ${load}`)
  const results: Array<Result> = []
  for (const one of chosen) results.push(await measure(one))
  const memory = "memory".includes(parsed.filter) ? measureMemory() : undefined
  const missed = results.filter(({ met }) => !met).length + (memory?.met === false ? 1 : 0)
  if (parsed.json) console.log(JSON.stringify({ cases: results, memory: memory?.memory }))
  print(missed === 0 ? "\nall targets met" : `\n${missed} targets missed`)
  process.exitCode = missed === 0 ? 0 : 1
}

await main()
