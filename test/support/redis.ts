/**
 * A real Redis server.
 */
import { Effect, type Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Daemon from "./daemon.ts"

export interface RedisServer extends Daemon.Daemon {
  readonly url: string
  readonly port: number
}

const ping = (port: number): Effect.Effect<void, Error> =>
  Effect.callback((resume) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"))
    socket.once("data", (reply) => {
      socket.destroy()
      resume(String(reply).startsWith("+PONG") ? Effect.void : Effect.fail(new Error(String(reply))))
    })
    socket.once("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => socket.destroy())
  })

/**
 * Runs until the scope closes; it is ready when the effect succeeds. What was written is still there after it was killed
 * and started again.
 */
export const start: Effect.Effect<RedisServer, never, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "redis-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )
  const port = yield* Daemon.freePort
  const daemon = yield* Daemon.run({
    command: "redis-server",
    args: ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--save", ""],
    isReady: ping(port)
  })
  return { ...daemon, port, url: `redis://127.0.0.1:${port}` }
})
