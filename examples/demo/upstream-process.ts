/**
 * The provider's process as a resource: started, told how to behave, killed without warning, started again, and never
 * left behind.
 *
 * It keeps the count of calls that really reached the provider, because the provider itself does not survive the day.
 */
import { Data, Deferred, Effect } from "effect"
import type { Scope } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Behaviour } from "./script-of-the-day.ts"
import type { Command, Notice, Start } from "./upstream.ts"

/** The process could not be started, or ended although nobody killed it. */
export class UpstreamError extends Data.TaggedError("UpstreamError")<{ readonly reason: string }> {
  override get message(): string {
    return `The provider's process ${this.reason}.`
  }
}

export interface Upstream {
  readonly url: string
  /** Calls that reached a listening provider, by the name each caller put into its `x-caller` header. */
  readonly callsOf: (caller: string) => number
  readonly behave: (behaviour: Behaviour) => Effect.Effect<void>
  /** SIGKILL: no goodbye, every open connection breaks. */
  readonly kill: Effect.Effect<void>
  /** A new process on the old address. Returns when it listens. */
  readonly restart: (behaviour: Behaviour) => Effect.Effect<void, UpstreamError>
  /** Fails if the process ends by itself, so that a broken demo stops instead of reporting nonsense. */
  readonly supervise: Effect.Effect<never, UpstreamError>
}

const program = fileURLToPath(new URL("./upstream.ts", import.meta.url))

export const make = (behaviour: Behaviour): Effect.Effect<Upstream, UpstreamError, Scope.Scope> =>
  Effect.gen(function* () {
    const calls = new Map<string, number>()
    const lost = yield* Deferred.make<never, UpstreamError>()
    let child: ChildProcess | undefined

    const boot = (start: Start) =>
      Effect.callback<number, UpstreamError>((resume) => {
        const starting = fork(program, [JSON.stringify(start)], {
          execArgv: ["--disable-warning=ExperimentalWarning"],
          stdio: ["ignore", "ignore", "inherit", "ipc"]
        })
        child = starting
        starting.on("message", (notice: Notice) => {
          if (notice._tag === "Listening") resume(Effect.succeed(notice.port))
          else calls.set(notice.caller, (calls.get(notice.caller) ?? 0) + 1)
        })
        const onEnd = (reason: string) => {
          const error = new UpstreamError({ reason })
          resume(Effect.fail(error))
          if (child === starting) Deferred.doneUnsafe(lost, Effect.fail(error))
        }
        starting.on("error", (error) => onEnd(`could not be started: ${error.message}`))
        starting.on("exit", (code, signal) => onEnd(`ended unexpectedly (${signal ?? `exit code ${code}`})`))
      }).pipe(
        Effect.timeoutOrElse({
          duration: "10 seconds",
          orElse: () => Effect.fail(new UpstreamError({ reason: "did not listen within 10 seconds" }))
        })
      )

    // Waits for the channel too: the last calls may still be on their way through it.
    const kill = Effect.callback<void>((resume) => {
      const victim = child
      child = undefined
      if (victim === undefined || (victim.exitCode ?? victim.signalCode) !== null) return resume(Effect.void)
      let open = victim.connected ? 2 : 1
      const onClosed = () => {
        open -= 1
        if (open === 0) resume(Effect.void)
      }
      victim.once("exit", onClosed)
      if (victim.connected) victim.once("disconnect", onClosed)
      victim.kill("SIGKILL")
    })

    yield* Effect.addFinalizer(() => kill)
    const port = yield* boot({ port: 0, behaviour })

    return {
      url: `http://127.0.0.1:${port}`,
      callsOf: (caller) => calls.get(caller) ?? 0,
      behave: (behaviour) =>
        Effect.sync(() => {
          const command: Command = { behaviour }
          if (child?.connected === true) child.send(command)
        }),
      kill,
      restart: (behaviour) => Effect.asVoid(boot({ port, behaviour })),
      supervise: Deferred.await(lost)
    }
  })
