import { expect, it } from "vitest"
import { start } from "./support/inProcess.ts"

it("explains what is harmful about a service", async () => {
  const api = start({}, { llm: { deadline: "20 seconds" } })
  const answer = await api.ask("/resilience/explain/llm")
  expect(await answer.json()).toMatchObject({
    findings: [
      {
        rule: "timeout-beyond-deadline",
        severity: "warning",
        problem: expect.stringContaining("An attempt may take 1m")
      }
    ]
  })
  await api.dispose()
})

it("says that everything is switched off where it is", async () => {
  const off = start({}, { llm: {} }, { enabled: false })
  expect(await (await off.ask("/resilience/switches")).json()).toEqual({ enabled: false })
  const answer = await off.ask("/resilience/explain/llm")
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ problem: expect.stringContaining("everything is switched off") })
  await off.dispose()
  const on = start()
  expect(await (await on.ask("/resilience/switches")).json()).toEqual({ enabled: true })
  await on.dispose()
})

it("knows no service where there is none", async () => {
  const api = start({}, {})
  const answer = await api.ask("/resilience/explain/llm")
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ problem: 'no service is called "llm" (known: none)' })
  await api.dispose()
})
