import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { userInfo } from "node:os"
import { type Running, run, start, startApplication } from "./support/processes.ts"

describe("live: the command line and an application, over HTTP", () => {
  let application: Running
  let url: string
  beforeAll(async () => ({ process: application, url } = await startApplication()))
  afterAll(() => application[Symbol.asyncDispose]())

  const asOperator = (...args: ReadonlyArray<string>) =>
    run(args, { RESILIENCE_ADMIN_URL: url, RESILIENCE_ADMIN_TOKEN: "a secret" })

  it("shows all services, and everything about one", async () => {
    const all = await run(["status", "--url", url])
    expect({ exitCode: all.exitCode, stderr: all.stderr }).toEqual({ exitCode: 0, stderr: "" })
    expect(all.stdout).toMatch(/^service +circuit +calls/)
    expect(all.stdout).toMatch(/^payment-api +● closed +0 /m)
    expect(all.stdout).not.toContain("\u001B")

    const one = await run(["status", "llm", "--url", url])
    expect(one.stdout).toContain("circuit-breaker  opens at 2 failures in a row, for 1m")
    expect(one.stdout).not.toContain("payment-api")

    const json = await run(["status", "--json", "--url", url])
    expect(JSON.parse(json.stdout)).toContainEqual(
      expect.objectContaining({ service: "llm", pattern: "bulkhead", snapshot: expect.objectContaining({ limit: 10 }) })
    )
  })

  it("names the service that was probably meant", async () => {
    const { exitCode, stderr, stdout } = await run(["status", "lmm", "--url", url])
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: "" })
    expect(stderr).toContain('did you mean "llm"?')
  })

  it("isolates, checks, resets and releases in the name of the operator", async () => {
    const isolated = await asOperator("isolate", "llm", "--for", "10 minutes", "--reason", "maintenance")
    expect(isolated).toMatchObject({ exitCode: 0, stderr: "" })
    expect(isolated.stdout).toMatch(/llm +⊘ isolated, by alice for (10m|9m 5\ds) \(maintenance\)/)

    expect(await asOperator("status", "--check")).toMatchObject({ exitCode: 1, stderr: "" })

    const reset = await asOperator("reset", "llm", "--by", "bob")
    expect(reset.stdout).toContain("isolated, by alice")

    const released = await asOperator("release", "llm", "--json")
    expect(JSON.parse(released.stdout)).toMatchObject({
      request: { service: "llm", pattern: "circuit-breaker", command: "release", by: "alice" },
      status: expect.arrayContaining([
        expect.objectContaining({ pattern: "circuit-breaker", snapshot: expect.objectContaining({ state: "Closed" }) })
      ])
    })
    expect(await asOperator("status", "--check")).toMatchObject({ exitCode: 0 })

    const seconds = await asOperator("isolate", "llm", "--for", "90")
    expect(seconds.stdout).toMatch(/by alice for 1m (30|2\d)s/)
    await asOperator("release", "llm")

    const { stdout } = await asOperator("events", "llm")
    expect(stdout).toContain("OperatorCommand command=isolate by=alice duration=10m reason=maintenance")
    expect(stdout).toContain("OperatorCommand command=reset by=bob")
  })

  it("knows who somebody is without $USER", async () => {
    const variables = { RESILIENCE_ADMIN_TOKEN: "a secret", USER: "" }
    const { stdout } = await run(["reset", "llm", "--json", "--url", url], variables)
    expect(JSON.parse(stdout).request.by).toBe(userInfo().username)
  })

  it("changes what can be changed while the application runs, and says what can be", async () => {
    expect((await asOperator("set", "payment-api", "bulkhead.limit", "20")).stdout).toContain("0 of 20")
    expect((await asOperator("set", "payment-api", "circuit-breaker.mode", "observe")).stdout).toContain(
      "● closed, observe"
    )
    await asOperator("set", "payment-api", "timeout.duration", "20")
    expect((await asOperator("status", "payment-api")).stdout).toContain("20s for an attempt")
    await asOperator("set", "payment-api", "timeout.duration", "20s 500ms")
    expect((await asOperator("status", "payment-api")).stdout).toContain("20s 500ms for an attempt")
    const slip = await asOperator("set", "payment-api", "timeot.duration", "20")
    expect(slip.exitCode).toBe(2)
    expect(slip.stderr).toContain("did you mean timeout.…?")
    const other = await asOperator("set", "payment-api", "retry.maxAttemts", "2")
    expect(other.exitCode).toBe(4)
    expect(other.stderr).toContain('did you mean "maxAttempts"?')
    const wrong = await asOperator("set", "payment-api", "bulkhead.limit", "many")
    expect(wrong.exitCode).toBe(4)
    expect(wrong.stderr).toContain('limit: expected number, got "many"')
    expect(wrong.stderr.trim().split("\n")).toHaveLength(2)
  })

  it("is refused without the token, and with a wrong one", async () => {
    const { exitCode, stderr } = await run(["trip", "payment-api", "--url", url])
    expect(exitCode).toBe(4)
    expect(stderr).toContain("RESILIENCE_ADMIN_TOKEN")
    const wrong = await run(["trip", "payment-api", "--url", url, "--token", "wrong", "--json"])
    expect({ exitCode: wrong.exitCode, stdout: wrong.stdout }).toEqual({ exitCode: 4, stdout: "" })
    expect(JSON.parse(wrong.stderr)).toMatchObject({ reason: "refused" })
  })

  it("follows events, says when the application has gone, and does not end by that", async () => {
    const other = await startApplication()
    await using events = start(["events", "--follow", "--json", "--url", other.url])
    other.process.write("fail\nfail\n")
    await events.shows('"to":"Open"')
    for (const line of events.output.trim().split("\n")) expect(JSON.parse(line).service).toBe("llm")
    await other.process[Symbol.asyncDispose]()
    await events.shows(/"warning":"not reachable since /)
    events.child.kill("SIGINT")
    expect(await events.ended()).toBe(130)
  })

  it("shows no earlier events to those who want none", async () => {
    application.write("fail\n")
    expect((await asOperator("events")).stdout).toContain("llm")
    expect(await asOperator("events", "--no-replay")).toEqual({ exitCode: 0, stdout: "", stderr: "" })
  })

  it("explains and judges what runs, not what the environment says", async () => {
    const explained = await run(["explain", "llm", "--url", url], { CIRCUIT_BREAKER_LLM_FAIL_MAX: "7" })
    expect(explained.stdout).toContain("opens at 2 failures in a row")
    expect(explained.stdout).toContain("At worst: 1 attempt")
    const { exitCode, stdout } = await run(["lint", "--json", "--url", url])
    expect({ exitCode, found: JSON.parse(stdout) }).toEqual({
      exitCode: 0,
      found: [
        { service: "llm", findings: [] },
        { service: "payment-api", findings: [] }
      ]
    })
  })
})

describe("live: the command line without an application", () => {
  let other: Server
  let url: string
  beforeAll(async () => {
    other = createServer(
      (_, response) => void response.writeHead(404, { "content-type": "text/html" }).end("<p>no</p>")
    )
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve))
    url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  })
  afterAll(() => void other.close())

  it.each([[["status"]], [["events", "--follow"]], [["reset", "llm"]], [["explain", "llm"]], [["lint"]]])(
    "%s says where nothing listens, and what to do",
    async (args) => {
      const { exitCode, stderr, stdout } = await run([...args, "--url", "127.0.0.1:2"])
      expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" })
      expect(stderr).toBe(
        "✗ nothing listens at http://127.0.0.1:2: is the application running with Admin.serve? --url tells where it is\n"
      )
    }
  )

  it("says when something else answers", async () => {
    const { exitCode, stderr } = await run(["status", "--url", url])
    expect(exitCode).toBe(4)
    expect(stderr).toContain(`${url} does not answer as an admin API of this version does (HTTP 404)`)
  })

  it("says when an address is none", async () => {
    const { exitCode, stderr } = await run(["status", "--url", "http://"])
    expect(exitCode).toBe(2)
    expect(stderr).toContain("--url (or RESILIENCE_ADMIN_URL): expected an address such as http://127.0.0.1:9090")
  })
})
