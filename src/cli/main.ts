#!/usr/bin/env node
/**
 * The program `effect-resilience`: Node around the command line.
 */
import * as Effect from "effect/Effect"
import { SystemUser } from "./operator.ts"
import { program, teardown } from "./program.ts"

interface Process {
  exitCode?: string | number | null | undefined
  readonly stdout: { readonly on: (event: "error", listener: (error: { readonly code?: string }) => void) => void }
  readonly exit: (code: number) => never
  readonly getBuiltinModule: (name: "node:os") => { readonly userInfo: () => { readonly username: string } }
}

const process: Process = Reflect.get(globalThis, "process")

/** The platform is no dependency of the library: only those need it who use the command line. */
const load = async () => {
  const [runtime, services] = await Promise.all([
    import("@effect/platform-node/NodeRuntime"),
    import("@effect/platform-node/NodeServices")
  ])
  return { runtime, services }
}

/** In a container, a user may have a number and no name. */
const systemUser = (): string | undefined => {
  try {
    return process.getBuiltinModule("node:os").userInfo().username
  } catch {
    return undefined
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && Reflect.get(error, "code") === "ERR_MODULE_NOT_FOUND" && error.message.includes("platform-")

const main = async (): Promise<void> => {
  // Who reads may go at any time, as `head` does.
  process.stdout.on("error", ({ code }) => process.exit(code === "EPIPE" ? 0 : 1))
  const manifest = "../../package.json"
  const { default: about } = await import(manifest, { with: { type: "json" } })
  const { runtime, services } = await load()
  const command = program(about.version, services.layer)
  runtime.runMain(Effect.provideService(command, SystemUser, systemUser), { teardown })
}

main().catch((error: unknown) => {
  if (!isMissing(error)) throw error
  // oxlint-disable-next-line no-console
  console.error("effect-resilience: the command line needs @effect/platform-node: npm install @effect/platform-node")
  process.exitCode = 1
})
