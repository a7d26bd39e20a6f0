import { describe, expect, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import type { Report } from "../../examples/demo/report.ts"

const main = fileURLToPath(new URL("../../examples/demo/main.ts", import.meta.url))

const run = async (...args: ReadonlyArray<string>) => {
  const flags = ["--conditions=effect-resilience-source", "--disable-warning=ExperimentalWarning"]
  const child = spawn(process.execPath, [...flags, main, ...args], { stdio: ["ignore", "pipe", "pipe"] })
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")])
  return { stdout, stderr, exitCode }
}

describe("live: the demo", () => {
  it("plays a short day, accounts for every call, and prints nothing but one JSON object", async () => {
    const { exitCode, stderr, stdout } = await run("--duration", "5", "--rate", "20", "--json")
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })

    const { protected: guarded, unprotected }: Report = JSON.parse(stdout)
    for (const side of [unprotected, guarded]) {
      expect(side.calls).toBe(100)
      expect(side.succeeded + side.failed).toBe(side.calls)
      expect(side.p50Millis).toBeGreaterThan(0)
      expect(side.p50Millis).toBeLessThanOrEqual(side.p99Millis)
    }
    expect(Object.keys(unprotected)).toEqual([
      "calls",
      "succeeded",
      "failed",
      "p50Millis",
      "p99Millis",
      "upstreamCalls"
    ])

    // what an unprotected caller gets, the provider has given; a dead provider is not called
    expect(unprotected.failed).toBeGreaterThan(0)
    expect(unprotected.upstreamCalls).toBeGreaterThanOrEqual(unprotected.succeeded)
    expect(unprotected.upstreamCalls).toBeLessThan(unprotected.calls)

    expect(guarded.fallbacks).toBeGreaterThan(0)
    expect(guarded.succeeded).toBeGreaterThan(unprotected.succeeded)
    expect(guarded.upstreamCalls).toBeGreaterThanOrEqual(guarded.succeeded - guarded.fallbacks)
    expect(guarded.upstreamCalls).toBeLessThanOrEqual(guarded.calls + guarded.retries)
    expect(guarded.rejections).toBeGreaterThan(0)
    expect(guarded.openings).toBeGreaterThan(0)
    expect(guarded.recoveryMillis === null || guarded.recoveryMillis >= 0).toBe(true)
  }, 60_000)

  it("names every mistake in its options, and starts nothing", async () => {
    const { exitCode, stderr, stdout } = await run("--rate", "0", "--loud")
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" })
    expect(stderr).toContain('--rate is "0"')
    expect(stderr).toContain("--loud is not an option")
    expect(stderr).toContain("--help")
  }, 30_000)

  it("says of a port that it is in use", async () => {
    const occupant = createServer().listen(0, "127.0.0.1")
    await once(occupant, "listening")
    const { port } = occupant.address() as AddressInfo
    const { exitCode, stderr, stdout } = await run("--port", String(port))
    occupant.close()
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(stderr).toContain(`The port ${port} is in use: --port needs another one, or 0 for any that is free.`)
  }, 30_000)
})
