import { spawnSync } from "node:child_process"
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { stringify } from "yaml"
import { describeWith } from "../support/servers.ts"
import { interpolate, queries } from "./support/dashboard.ts"
import * as runbook from "./support/runbook.ts"

const run = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = spawnSync("promtool", args, { encoding: "utf8" })
  return { status, output: `${stdout}${stderr}` }
}

describeWith("promtool")("promtool", () => {
  const temporary = mkdtempSync(join(tmpdir(), "promtool-"))
  afterAll(() => rmSync(temporary, { recursive: true }))

  it.each(globSync("monitoring/prometheus/*.rules.yaml"))("finds nothing wrong in %s", (file) => {
    const { output, status } = run("check", "rules", "--lint=all", "--lint-fatal", file)
    expect(status, output).toBe(0)
  })

  it.each(globSync("monitoring/prometheus/tests/*.test.yaml"))("finds that the rules do what %s says", (file) => {
    const { output, status } = run("test", "rules", file)
    expect(status, output).toBe(0)
  })

  it.each([
    ["dashboard", queries.map(({ expr }) => interpolate(expr))],
    ["runbook", runbook.queries]
  ])("can read every query of the %s", (name, expressions) => {
    const file = join(temporary, `${name}.rules.yaml`)
    const rules = expressions.map((expr, index) => ({ record: `query_${index}`, expr }))
    writeFileSync(file, stringify({ groups: [{ name: "queries", rules }] }))
    const { output, status } = run("check", "rules", file)
    expect(status, output).toBe(0)
    expect(output).toContain(`${expressions.length} rules found`)
  })
})
