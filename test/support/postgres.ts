/**
 * A real PostgreSQL server.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { execFile, spawnSync } from "node:child_process"
import { chownSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Daemon from "./daemon.ts"
import { pathOf } from "./programs.ts"

/** To make the files of a server takes seconds: share it between tests. */
export class PostgresServer extends Context.Service<
  PostgresServer,
  Daemon.Daemon & { readonly url: string; readonly port: number }
>()("test/PostgresServer") {}

const idOf = (flag: "-u" | "-g"): number => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout)

/** It refuses to run as root, so root runs it as the user that its package has made. */
const owner = (): { readonly uid?: number; readonly gid?: number } =>
  process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : {}

const isReady = (port: number): Effect.Effect<void, Error> =>
  Effect.callback((resume) => {
    execFile(pathOf("pg_isready"), ["--quiet", "--host=127.0.0.1", `--port=${port}`], (error) =>
      resume(error === null ? Effect.void : Effect.fail(error))
    )
  })

const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "postgres-"))
  const { gid, uid } = owner()
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  return folder
}

const initialize = (folder: string): void => {
  const args = ["--pgdata", folder, "--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C"]
  const { error, status, stderr } = spawnSync(pathOf("initdb"), args, { ...owner(), cwd: folder, encoding: "utf8" })
  if (status !== 0) throw error ?? new Error(stderr)
}

/**
 * Runs until the scope closes; it is ready when the effect succeeds. What was committed is still there after it was killed
 * and started again.
 */
export const start: Effect.Effect<PostgresServer["Service"], never, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(Effect.sync(makeFolder), (folder) =>
    Effect.sync(() => rmSync(folder, { recursive: true }))
  )
  initialize(folder)
  const port = yield* Daemon.freePort
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    // A crash of the server alone loses nothing without it.
    fsync: "off",
    deadlock_timeout: "100ms"
  }
  const daemon = yield* Daemon.run({
    command: pathOf("postgres"),
    args: [
      "-D",
      folder,
      "-p",
      `${port}`,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    ],
    spawn: { ...owner(), cwd: folder },
    isReady: isReady(port)
  })
  return { ...daemon, port, url: `postgres://postgres@127.0.0.1:${port}/postgres` }
})

/** A server for several tests. */
export const layer: Layer.Layer<PostgresServer> = Layer.effect(PostgresServer, start)
