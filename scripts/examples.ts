import { spawnSync } from "node:child_process"
import { globSync } from "node:fs"

const limit = 20_000

const run = (file: string): boolean => {
  const started = performance.now()
  const { error, signal, status, stderr, stdout } = spawnSync(
    process.execPath,
    ["--conditions=effect-resilience-source", file],
    // An example that hangs may well ignore a polite signal.
    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: limit, killSignal: "SIGKILL" }
  )
  const passed = status === 0
  console.log(`${passed ? "passed" : "failed"} ${file} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
  if (!passed) console.log(`${stdout}${stderr}${error?.message ?? `ended with ${signal ?? `exit code ${status}`}`}\n`)
  return passed
}

const files = globSync("examples/[0-9][0-9]_*.ts").toSorted()
if (files.length === 0) console.log("failed: there are no examples")
process.exitCode = files.map(run).every(Boolean) && files.length > 0 ? 0 : 1
