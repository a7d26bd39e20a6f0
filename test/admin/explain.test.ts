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

it("knows no service where there is none", async () => {
  const api = start({}, {})
  const answer = await api.ask("/resilience/explain/llm")
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ problem: 'no service is called "llm" (known: none)' })
  await api.dispose()
})
