/**
 * The provider's process as a resource: told how to behave, killed without warning, replaced, and never left behind.
 *
 * The process that will replace the first one waits from the beginning, without listening. Otherwise the length of the
 * outage would be a matter of how fast this machine starts processes. It keeps the count of calls that really reached the provider, because the provider itself does not survive the day.
 */
import { Data, Deferred, Effect } from "effect"
import type { Scope } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Behaviour } from "./script-of-the-day.ts"
import type { UpstreamCalls } from "./statistics.ts"
import type { Command, Notice } from "./upstream.ts"

/** The process could not be started, or ended although nobody killed it. */
export class UpstreamError extends Data.TaggedError("UpstreamError")<{ readonly reason: string }> {
  override get message(): string {
    return `The provider's process ${this.reason}.`
  }
}

export interface Upstream {
  readonly url: string
  /** What reached a listening provider, by the name each caller put into its `x-caller` header. */
  readonly callsOf: (caller: string) => UpstreamCalls
  readonly countFromZero: () => void
  /** Returns when the provider behaves so. After a kill, a new process listens on the old address then. */
  readonly behave: (behaviour: Behaviour) => Effect.Effect<void, UpstreamError>
  /** SIGKILL: no goodbye, every open connection breaks. */
  readonly kill: Effect.Effect<void>
  /** Fails if the process ends by itself, so that a broken demo stops instead of reporting nonsense. */
  readonly supervise: Effect.Effect<never, UpstreamError>
}

const program = fileURLToPath(new URL("./upstream.ts", import.meta.url))

export const make = (behaviour: Behaviour): Effect.Effect<Upstream, UpstreamError, Scope.Scope> =>
  Effect.gen(function* () {
    const calls = new Map<string, UpstreamCalls>()
    const lost = yield* Deferred.make<never, UpstreamError>()
    const supervise = Deferred.await(lost)
    /** The first one is the provider. */
    const alive: Array<ChildProcess> = []
    let port = 0

    const callsOf = (caller: string): UpstreamCalls => calls.get(caller) ?? { total: 0, inVain: 0 }

    const count = (caller: string, isInVain: boolean): void => {
      const { inVain, total } = callsOf(caller)
      calls.set(caller, { total: total + 1, inVain: inVain + (isInVain ? 1 : 0) })
    }

    const fail = (reason: string) => Deferred.doneUnsafe(lost, Effect.fail(new UpstreamError({ reason })))

    /** Waits for the answer to `ask`, or for the end of the process. */
    const answered = (answer: Notice["_tag"], ask: () => ChildProcess): Effect.Effect<void, UpstreamError> =>
      Effect.callback<void>((resume) => {
        const asked = ask()
        const onMessage = (notice: Notice) => {
          if (notice._tag !== answer) return
          asked.off("message", onMessage)
          resume(Effect.void)
        }
        asked.on("message", onMessage)
      }).pipe(
        Effect.raceFirst(supervise),
        Effect.timeoutOrElse({
          duration: "10 seconds",
          orElse: () => Effect.fail(new UpstreamError({ reason: "did not answer within 10 seconds" }))
        })
      )

    const start = answered("Started", () => {
      const started = fork(program, {
        execArgv: ["--disable-warning=ExperimentalWarning"],
        stdio: ["ignore", "ignore", "inherit", "ipc"]
      })
      alive.push(started)
      started.on("message", (notice: Notice) => {
        if (notice._tag === "Obeyed") port = notice.port
        if (notice._tag === "Called") count(notice.caller, notice.inVain)
      })
      started.on("error", (error) => fail(`failed: ${error.message}`))
      started.on("exit", (code, signal) => {
        if (alive.includes(started)) fail(`ended unexpectedly (${signal ?? `exit code ${code}`})`)
      })
      return started
    })

    const behave = (behaviour: Behaviour) =>
      Effect.suspend(() => {
        const [provider] = alive
        if (provider?.connected !== true) return Effect.void
        return answered("Obeyed", () => {
          const command: Command = { behaviour, port }
          provider.send(command)
          return provider
        })
      })

    // Waits for the channel too: the last calls may still be on their way through it.
    const kill = Effect.callback<void>((resume) => {
      const victim = alive.shift()
      if (victim?.pid === undefined || (victim.exitCode ?? victim.signalCode) !== null) return resume(Effect.void)
      let open = victim.connected ? 2 : 1
      const onClosed = () => {
        open -= 1
        if (open === 0) resume(Effect.void)
      }
      victim.once("exit", onClosed)
      if (victim.connected) victim.once("disconnect", onClosed)
      victim.kill("SIGKILL")
    })

    yield* Effect.addFinalizer(() => Effect.andThen(kill, kill))
    yield* Effect.all([start, start], { concurrency: 2, discard: true })
    yield* behave(behaviour)

    return {
      url: `http://127.0.0.1:${port}`,
      callsOf,
      countFromZero: () => calls.clear(),
      behave,
      kill,
      supervise
    }
  })
