/**
 * `npm run load`: real requests through real processes, counted to the last one.
 */
import { cpus, loadavg } from "node:os"
import * as Arguments from "../support/arguments.ts"
import { conclude, figure, line } from "../support/verdict.ts"
import * as Overhead from "./overhead.ts"
import * as Overload from "./overload.ts"

const help = `
An upstream, a gateway and its callers, each in a process of its own. First the same load with and without the pipeline in
turns: nothing may be lost, memory must stay flat. Then ten times as many requests as the upstream can answer.

Usage: npm run load -- [options]

  --rate <number>     requests per second (default 1,000)
  --seconds <number>  length of the first part (default 60); a phase of the second takes a sixth of it
  --max               as many requests as the machine gives, instead of a rate; without the second part
  --quick             the short form, 6 seconds
  --json              one JSON object instead of the text
  --help              this text

Where the machine cannot keep the rate up, it is lowered, and the output says so. Waiting times count from the moment a
request was due. Exit code 1: a bound is broken.
`

const given = Arguments.read({ rate: 1_000, seconds: 60, max: false, quick: false, json: false }, help)
const seconds = given.quick ? 6 : given.seconds

const print = (text: string): void => {
  if (!given.json) console.log(text)
}

print(`node ${process.version}, ${cpus().length} processors, load ${loadavg()[0]!.toFixed(2)}`)
print(`\nWith and without the pipeline, ${figure(seconds)} s`)
const overhead = await Overhead.run({ rate: given.max ? undefined : given.rate, seconds }, print)
for (const text of Overhead.describeResult(overhead)) print(text)

const { rate } = overhead
const overload = rate === undefined ? undefined : await Overload.run({ rate, seconds: Math.max(3, seconds / 6) }, print)
if (overload !== undefined) {
  print(`\nTen times the capacity of an upstream that answers ${figure(overload.capacity)} requests per second`)
  for (const text of Overload.describeResult(overload)) print(text)
}

print("")
const timing = overload?.timing ?? []
const isMeasured = overload === undefined || !Overload.isDisturbed(overload)
const checks = [...overhead.checks, ...(overload?.checks ?? []), ...(isMeasured ? timing : [])]
for (const check of checks) print(line(check))
for (const { claim, measured } of isMeasured ? [] : timing)
  print(`NOT MEASURED, the processor was busy  ${claim}: ${measured}`)
const verdict = `${conclude(checks)}${isMeasured ? "" : `, ${timing.length} could not be measured`}`
print(`\n${verdict}`)
const plain = (_: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value)
const withoutWaits = (name: string, value: unknown) => (name === "waits" ? undefined : plain(name, value))
if (given.json) console.log(JSON.stringify({ overhead, overload, checks, verdict }, withoutWaits))
