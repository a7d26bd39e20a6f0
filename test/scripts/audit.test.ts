import { describe, expect, it } from "vitest"
import { judge } from "../../scripts/audit.ts"

const report = (counts: Readonly<Record<string, number>>, vulnerabilities: object = {}) =>
  JSON.stringify({
    vulnerabilities,
    metadata: {
      vulnerabilities: { info: 0, low: 0, moderate: 0, high: 0, critical: 0, ...counts },
      dependencies: { total: 7 }
    }
  })

describe("an audit of the dependencies", () => {
  it("is good where nothing serious is known", () => {
    expect(judge(report({ moderate: 2 }))).toEqual({
      isGood: true,
      text: "checked: nothing from high on is known against 7 dependencies"
    })
  })

  it.each(["high", "critical"])("names those against which something %s is known", (severity) => {
    const found = { bad: { severity }, harmless: { severity: "low" } }
    expect(judge(report({ [severity]: 1, low: 1 }, found))).toEqual({
      isGood: false,
      text: `checked: 1 of 7 dependencies are not safe: bad (${severity})`
    })
  })

  it.each([
    [
      "the registry does not answer such questions",
      JSON.stringify({ message: "405 Method Not Allowed - POST /advisories", statusCode: 405, error: { summary: "" } }),
      "not checked: 405 Method Not Allowed - POST /advisories"
    ],
    [
      "nobody answers",
      JSON.stringify({ error: { code: "ENOTFOUND", summary: "getaddrinfo ENOTFOUND" } }),
      "not checked: getaddrinfo ENOTFOUND"
    ],
    ["npm breaks", "", "not checked: npm says nothing that makes sense"],
    ["npm writes something else", "null", "not checked: npm says nothing that makes sense"]
  ])("is not made where %s", (_, output, text) => {
    expect(judge(output)).toEqual({ isGood: true, text })
  })
})
