import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { describeWith } from "../support/servers.ts"
import { run, type Running, start, startApplication, startInTerminal } from "./support/processes.ts"

const enter = "\u001B[?1049h"
const leave = "\u001B[?1049l"
const showCursor = "\u001B[?25h"
const hideCursor = "\u001B[?25l"

const expectRestored = (output: string) => {
  expect(output.split(enter).length).toBe(2)
  const end = output.slice(output.lastIndexOf(leave))
  expect(output.lastIndexOf(showCursor)).toBeGreaterThan(output.lastIndexOf(hideCursor))
  expect(end.startsWith(leave)).toBe(true)
  // lines are read as lines again, and shown as they are typed
  expect(end).toMatch(/[^-]icanon/)
  expect(end).toMatch(/ echo /)
}

describeWith("script")("live: watch in a terminal", () => {
  let application: Running
  let url: string
  beforeAll(async () => ({ process: application, url } = await startApplication()))
  afterAll(() => application[Symbol.asyncDispose]())

  it("shows services in colour, follows what happens, and quits when q is pressed", async () => {
    await using terminal = startInTerminal(["watch", "--every", "100 millis", "--url", url])
    await terminal.shows("\u001B[32m● closed\u001B[39m")
    expect(terminal.output).toContain(enter)
    expect(terminal.output).not.toContain(leave)
    application.write("fail\nfail\nfail\n")
    await terminal.shows("\u001B[31m○ open, probe in")
    await terminal.shows(/from=Closed to=Open/)
    terminal.write("q")
    await terminal.shows(/exit code: 0/)
    expect(await terminal.ended()).toBe(0)
    expectRestored(terminal.output)
  })

  it.each([
    ["Ctrl-C", "\u0003"],
    ["Escape", "\u001B"]
  ])("quits at %s", async (_, key) => {
    await using terminal = startInTerminal(["watch", "--url", url])
    await terminal.shows(/payment-api/)
    terminal.write(key)
    await terminal.shows(/exit code: 0/)
    await terminal.ended()
    expectRestored(terminal.output)
  })

  it("shows no colours where somebody wants none", async () => {
    await using terminal = startInTerminal(["watch", "--url", url], { NO_COLOR: "1" })
    await terminal.shows(/payment-api/)
    expect(terminal.output).toContain("● closed")
    expect(terminal.output).not.toContain("\u001B[32m")
    terminal.write("q")
    await terminal.ended()
  })

  it("says since when the application is gone, and leaves the terminal as it was", async () => {
    const other = await startApplication()
    await using terminal = startInTerminal(["watch", "--every", "100 millis", "--url", other.url])
    await terminal.shows(/payment-api/)
    await other.process[Symbol.asyncDispose]()
    await terminal.shows(/not reachable since \d\d:\d\d:\d\d UTC: nothing listens/)
    terminal.write("q")
    await terminal.shows(/exit code: 0/)
    await terminal.ended()
    expectRestored(terminal.output)
  })

  it("does not touch the screen where nothing listens", async () => {
    await using terminal = startInTerminal(["watch", "--url", "http://127.0.0.1:2"])
    await terminal.shows(/exit code: 3/)
    expect(terminal.output).not.toContain(enter)
  })
})

describe("live: watch in a pipe", () => {
  let application: Running
  let url: string
  beforeAll(async () => ({ process: application, url } = await startApplication()))
  afterAll(() => application[Symbol.asyncDispose]())

  it("writes a JSON object a line, until it is interrupted", async () => {
    await using watch = start(["watch", "--json", "--every", "50 millis", "--url", url])
    await watch.shows(/\n.*\n/)
    watch.child.kill("SIGINT")
    expect(await watch.ended()).toBe(130)
    for (const line of watch.output.trim().split("\n")) expect(JSON.parse(line).status).toHaveLength(12)
  })

  it("writes plain tables without any escape codes", async () => {
    await using watch = start(["watch", "--every", "50 millis", "--url", url])
    await watch.shows(/payment-api[^]*payment-api/)
    expect(watch.output).not.toContain("\u001B")
  })

  it("says what is wrong with a time", async () => {
    const { exitCode, stderr, stdout } = await run(["watch", "--every", "often"])
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" })
    expect(stderr).toContain('expected a duration such as "2 seconds", got "often"')
  })
})
