/**
 * A real Prometheus server.
 */
import { Effect, Schedule, type Scope } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Options {
  /** What to scrape, as "host:port", by the name of the job. */
  readonly targets: Readonly<Record<string, string>>
  /** Files of rules. */
  readonly rules?: ReadonlyArray<string>
}

/** One series at one time. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [time: number, value: string]
}

/** One series over a time. */
export interface Samples {
  readonly metric: Readonly<Record<string, string>>
  readonly values: ReadonlyArray<Sample["value"]>
}

/** When to evaluate an expression, in seconds since 1970. */
export interface Range {
  readonly start: number
  readonly end: number
  readonly step: number
}

export interface Prometheus {
  readonly url: string
  /** What the HTTP API answers under a path such as "query?query=up". */
  readonly api: <A>(path: string) => Effect.Effect<A, Error>
  /** Evaluates an expression at a time in seconds since 1970, by default now. */
  readonly query: (expression: string, at?: number) => Effect.Effect<ReadonlyArray<Sample>, Error>
  /** Evaluates an expression again and again. */
  readonly queryRange: (expression: string, range: Range) => Effect.Effect<ReadonlyArray<Samples>, Error>
}

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

const configOf = ({ rules = [], targets }: Options) => ({
  global: { scrape_interval: "1s", scrape_timeout: "900ms", evaluation_interval: "1s" },
  rule_files: rules,
  scrape_configs: Object.entries(targets).map(([job, target]) => ({
    job_name: job,
    static_configs: [{ targets: [target] }]
  }))
})

const get = (url: string) =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(url, { signal })
      return { status: response.status, text: await response.text() }
    },
    catch: (error) => new Error(`${url}: ${String(error)}`)
  })

/** Runs until the scope closes; it is ready when the effect succeeds. It reads JSON as the YAML that it also is. */
export const start = (options: Options): Effect.Effect<Prometheus, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "prometheus-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    )
    const config = join(folder, "prometheus.yml")
    writeFileSync(config, JSON.stringify(configOf(options)))
    const url = `http://127.0.0.1:${yield* freePort}`
    const output: Array<string> = []
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const child = spawn("prometheus", [
          `--config.file=${config}`,
          `--storage.tsdb.path=${join(folder, "data")}`,
          `--web.listen-address=${new URL(url).host}`
        ])
        child.stderr.on("data", (chunk) => output.push(String(chunk)))
        child.on("error", (error) => output.push(String(error)))
        return child
      }),
      (child) =>
        Effect.callback<void>((resume) => {
          if (child.pid === undefined || child.exitCode !== null) return resume(Effect.void)
          child.once("exit", () => resume(Effect.void))
          child.kill()
        })
    )
    const isReady = Effect.suspend(() =>
      child.pid === undefined || child.exitCode !== null
        ? Effect.die(new Error(`Prometheus has not started:\n${output.join("")}`))
        : Effect.filterOrFail(get(`${url}/-/ready`), ({ status }) => status === 200)
    )
    yield* isReady.pipe(
      Effect.retry({ schedule: Schedule.spaced("100 millis") }),
      Effect.timeout("30 seconds"),
      Effect.mapError((error) => new Error(`Prometheus is not ready: ${String(error)}\n${output.join("")}`))
    )
    const api = <A>(path: string) =>
      Effect.flatMap(get(`${url}/api/v1/${path}`), ({ status, text }) =>
        status === 200
          ? Effect.succeed((JSON.parse(text) as { readonly data: A }).data)
          : Effect.fail(new Error(`${path}: ${text}`))
      )
    return {
      url,
      api,
      query: (expression, at) =>
        Effect.map(
          api<{ readonly result: ReadonlyArray<Sample> }>(
            `query?query=${encodeURIComponent(expression)}${at === undefined ? "" : `&time=${at}`}`
          ),
          ({ result }) => result
        ),
      queryRange: (expression, { end, start, step }) =>
        Effect.map(
          api<{ readonly result: ReadonlyArray<Samples> }>(
            `query_range?query=${encodeURIComponent(expression)}&start=${start}&end=${end}&step=${step}`
          ),
          ({ result }) => result
        )
    }
  })
