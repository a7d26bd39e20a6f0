/**
 * The command line: what can be asked of the demo, and a clear word about what cannot.
 *
 * All mistakes are reported together, each with the option, the value and what is expected.
 */
import { Result } from "effect"
import { parseArgs } from "node:util"

export interface Options {
  readonly durationSeconds: number
  readonly ratePerSecond: number
  /** Where the gateway listens; 0: on any free port. */
  readonly port: number
  readonly json: boolean
  readonly help: boolean
}

interface Range {
  readonly unit: string
  readonly minimum: number
  readonly maximum: number
  readonly fallback: number
}

const duration: Range = { unit: "seconds", minimum: 5, maximum: 300, fallback: 20 }
const port: Range = { unit: "a port", minimum: 0, maximum: 65_535, fallback: 0 }
const rate: Range = { unit: "requests per second", minimum: 1, maximum: 300, fallback: 40 }

export const help = `
One day of an LLM provider in ${duration.fallback} seconds: healthy, slow, bursts of 503, 529 with
Retry-After, hanging connections, killed, restarted. A gateway calls it twice side by
side over real HTTP: as it is, and through Resilience.protect.

Usage: npm start -- [options]

  --duration <seconds>     length of the day, ${describe(duration)}
  --rate <per second>      requests sent to each of the two sides, ${describe(rate)}
  --port <number>          where the gateway listens (default: on any free port)
  --json                   print one JSON object at the end, and nothing else
  --help                   this text

How to read the figures
  calls          requests that callers sent; every one ends as succeeded or failed
  succeeded      answered with 200. On the protected side that includes the answers
                 of the fallback, which are also listed apart as "fallbacks"
  failed         answered with an error, given up by the caller, or cut off at the end
  p50Millis, p99Millis
                 time a caller waited, from the moment the request was due; all calls
  upstreamCalls  calls that reached the provider, counted by the provider; retries are
                 among them, calls to a dead provider are not
  rejections     calls the circuit breaker or the bulkhead turned away
  openings       how often the circuit breaker opened, after failed probes too
  recoveryMillis from the restarted provider listening to the circuit closed;
                 null when the circuit did not close
`.trimStart()

function describe(range: Range): string {
  return `${range.minimum} to ${range.maximum} (default ${range.fallback})`
}

/** Reads the arguments after the program's name. A failure holds one line per mistake. */
export const parse = (args: ReadonlyArray<string>): Result.Result<Options, ReadonlyArray<string>> => {
  const problems: Array<string> = []
  const { tokens } = parseArgs({
    args: [...args],
    options: {
      duration: { type: "string" },
      rate: { type: "string" },
      port: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" }
    },
    strict: false,
    tokens: true
  })

  let durationSeconds = duration.fallback
  let ratePerSecond = rate.fallback
  let gatewayPort = port.fallback
  let json = false
  let help = false

  const number = (option: string, value: string | undefined, range: Range): number => {
    const parsed = Number(value)
    if (parsed >= range.minimum && parsed <= range.maximum) return parsed
    const given = value === undefined ? "has no value" : `is ${JSON.stringify(value)}`
    problems.push(`${option} ${given}: expected ${range.unit}, from ${range.minimum} to ${range.maximum}.`)
    return range.fallback
  }

  const flag = (option: string, value: string | undefined): true => {
    if (value !== undefined) problems.push(`${option} is ${JSON.stringify(value)}: expected no value.`)
    return true
  }

  for (const token of tokens) {
    if (token.kind === "positional") {
      problems.push(`${JSON.stringify(token.value)} is not an option: expected one of ${known}.`)
    } else if (token.kind === "option") {
      switch (token.name) {
        case "duration":
          durationSeconds = number("--duration", token.value, duration)
          break
        case "rate":
          ratePerSecond = number("--rate", token.value, rate)
          break
        case "port":
          gatewayPort = number("--port", token.value, port)
          break
        case "json":
          json = flag("--json", token.value)
          break
        case "help":
          help = flag("--help", token.value)
          break
        default:
          problems.push(`${token.rawName} is not an option: expected one of ${known}.`)
      }
    }
  }

  return problems.length > 0
    ? Result.fail(problems)
    : Result.succeed({ durationSeconds, ratePerSecond, port: gatewayPort, json, help })
}

const known = "--duration, --rate, --port, --json, --help"
