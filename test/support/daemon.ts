/**
 * A real server that a test can kill, freeze and start again.
 */
import { Effect, Schedule, type Scope } from "effect"
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process"
import { readFileSync } from "node:fs"
import { createServer, type AddressInfo } from "node:net"

export interface Options {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly spawn?: SpawnOptions
  /** Fails until the server can be used. */
  readonly isReady: Effect.Effect<unknown, unknown>
}

export interface Daemon {
  /** Ends it at once, as a crash would, with all its children. */
  readonly kill: Effect.Effect<void>
  /** It keeps its connections and the system accepts new ones, but nobody answers. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Starts it again after it was killed; it is ready when the effect succeeds. */
  readonly start: Effect.Effect<void>
}

/** A port that nobody listens on. */
export const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

const childrenOf = (pid: number): ReadonlyArray<number> => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number)
  } catch {
    return []
  }
}

const signalAll = (pid: number, signal: NodeJS.Signals): void => {
  for (const each of [pid, ...childrenOf(pid)]) {
    try {
      process.kill(each, signal)
    } catch {
      // It ended by itself in the meantime.
    }
  }
}

/** Runs until the scope closes; it is ready when the effect succeeds. */
export const run = (options: Options): Effect.Effect<Daemon, never, Scope.Scope> =>
  Effect.gen(function* () {
    const output: Array<string> = []
    let child: ChildProcess | undefined
    const signal = (name: NodeJS.Signals) =>
      Effect.sync(() => {
        if (child?.pid !== undefined) signalAll(child.pid, name)
      })
    const kill = Effect.callback<void>((resume) => {
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
      child.once("exit", () => resume(Effect.void))
      signalAll(child.pid, "SIGKILL")
    })
    const start = Effect.gen(function* () {
      const started = spawn(options.command, options.args, { ...options.spawn, stdio: ["ignore", "pipe", "pipe"] })
      child = started
      for (const stream of [started.stdout, started.stderr]) stream?.on("data", (chunk) => output.push(String(chunk)))
      started.on("error", (error) => output.push(String(error)))
      const hasEnded = Effect.suspend(() =>
        started.pid === undefined || started.exitCode !== null
          ? Effect.die(new Error(`${options.command} has not started:\n${output.join("")}`))
          : options.isReady
      )
      yield* hasEnded.pipe(Effect.retry({ schedule: Schedule.spaced("50 millis") }), Effect.timeout("30 seconds"))
    }).pipe(Effect.catch((error) => Effect.die(new Error(`${options.command}: ${String(error)}\n${output.join("")}`))))
    yield* Effect.acquireRelease(start, () => kill)
    return { kill, freeze: signal("SIGSTOP"), thaw: signal("SIGCONT"), start }
  })
