import { describe, expect, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "./support/processes.ts"

describe("live: config check", () => {
  it("prints every setting with its origin", async () => {
    const { exitCode, stderr, stdout } = await run(["config", "check", "openfga"], {
      TIMEOUT_AUTH: "7",
      BULKHEAD_OPENFGA_LIMIT: "60",
      RESILIENCE_ADMIN_URL: "http://127.0.0.1:9090"
    })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
    expect(stdout).toMatch(/^ +timeout +duration +7s +variable TIMEOUT_AUTH +TIMEOUT_OPENFGA$/m)
    expect(stdout).toMatch(/^ +bulkhead +maxConcurrent +60 +variable BULKHEAD_OPENFGA_LIMIT$/m)
    expect(stdout).toMatch(/^ +consecutiveFailures +10 +preset +CIRCUIT_BREAKER_OPENFGA_FAIL_MAX$/m)
    expect(stdout).toMatch(/^ +probes +1 +default +CIRCUIT_BREAKER_OPENFGA_PROBES$/m)
    expect(stdout).toContain("✓ no mistakes")
    expect(stdout).not.toContain("redis")
  })

  it("names every mistake, in the environment and in a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "effect-resilience-"))
    const file = join(folder, "production.env")
    writeFileSync(file, "RETRY_MAX_ATEMPTS=3\nTIMEOUT_LLM=20\nBULKHEAD_LLM_LIMIT=2\n")
    const variables = { CIRCUIT_BREAKER_LLM_FAIL_MAX: "none", TIMEOUT_LLM: "40" }
    const { exitCode, stdout } = await run(["config", "check", "--json", "--file", file], variables)
    rmSync(folder, { recursive: true })
    expect(exitCode).toBe(1)
    const report = JSON.parse(stdout)
    expect(report.valid).toBe(false)
    expect(report.mistakes).toEqual([
      "RETRY_MAX_ATEMPTS: there is no such variable (did you mean RETRY_MAX_ATTEMPTS?)",
      'CIRCUIT_BREAKER_LLM_FAIL_MAX: expected a whole number of at least 1, got "none"'
    ])
    const llm = report.services.find(({ service }: { readonly service: string }) => service === "llm")
    const options = llm.patterns.flatMap((one: { readonly options: ReadonlyArray<unknown> }) => one.options)
    expect(options).toContainEqual({
      option: "consecutiveFailures",
      value: "none",
      origin: { from: "variable", name: "CIRCUIT_BREAKER_LLM_FAIL_MAX" },
      variable: "CIRCUIT_BREAKER_LLM_FAIL_MAX",
      isRead: true,
      isWrong: true
    })
    expect(options).toContainEqual(expect.objectContaining({ option: "duration", value: 40_000 }))
    expect(options).toContainEqual(expect.objectContaining({ option: "maxConcurrent", value: 2 }))
  })

  it("says that a file is missing", async () => {
    const { exitCode, stderr } = await run(["config", "check", "--file", "missing.env"])
    expect(exitCode).toBe(2)
    expect(stderr).toContain("missing.env")
  })
})

describe("live: explain and lint, of the environment", () => {
  it("explains what an application would do", async () => {
    const { exitCode, stdout } = await run(["explain", "llm"], { CIRCUIT_BREAKER_LLM_FAIL_MAX: "7" })
    expect(exitCode).toBe(0)
    expect(stdout).toContain("opens at 7 failures in a row")
    expect(stdout).toContain("At worst: 6 attempts")
  })

  it("finds what is harmful", async () => {
    const { exitCode, stdout } = await run(["lint", "llm", "redis"], { DEADLINE_LLM: "20" })
    expect(exitCode).toBe(1)
    expect(stdout).toContain("! warning llm timeout-beyond-deadline: An attempt may take 1m")
    expect(stdout).toContain("✓ redis")
  })

  it("finds nothing where the configuration is wrong", async () => {
    const { exitCode, stderr, stdout } = await run(["lint"], { DEADLINE_LLM: "never" })
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" })
    expect(stderr).toContain("DEADLINE_LLM: expected a duration")
  })
})

describe("live: usage", () => {
  it.each([
    [["config", "chek"], "check"],
    [["status", "--chek"], "--check"],
    [["set", "llm", "bulkhead.limit"], "value"]
  ])("%s was not understood", async (args, hint) => {
    const { exitCode, stderr, stdout } = await run(args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" })
    expect(stderr).toContain(hint)
    expect(stderr).toMatch(/See effect-resilience.* --help\n$/)
  })

  it("shows its help, and that no command is one is wrong", async () => {
    const asked = await run(["--help"])
    expect(asked).toMatchObject({ exitCode: 0, stderr: "" })
    for (const command of [
      "status",
      "watch",
      "events",
      "reset",
      "isolate",
      "release",
      "set",
      "config",
      "explain",
      "lint"
    ])
      expect(asked.stdout).toMatch(new RegExp(`^ +${command} `, "m"))
    expect(await run([])).toEqual({ ...asked, exitCode: 2 })
  })

  it.each(["bash", "zsh", "fish", "powershell"])("prints completions for %s", async (shell) => {
    const { exitCode, stdout } = await run(["--completions", shell])
    expect(exitCode).toBe(0)
    for (const word of ["isolate", "follow", "reason"]) expect(stdout).toContain(word)
  })

  it("ends quietly when nobody reads any more", () => {
    const { stderr } = spawnSync(
      "sh",
      ["-c", `"$0" --conditions=effect-resilience-source src/cli/main.ts config check | head -1`, process.execPath],
      { encoding: "utf8" }
    )
    expect(stderr).toBe("")
  })
})
