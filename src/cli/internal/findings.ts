/**
 * What is harmful about the policies of services, for people and for programs.
 */
import type * as Api from "../../admin/Api.ts"
import { inLine, type Paint, visible } from "./paint.ts"

/** What is known against the policies of one service. */
export interface Findings {
  readonly service: string
  readonly findings: Api.Explanation["findings"]
}

/** For people. */
export const text = (all: ReadonlyArray<Findings>, paint: Paint): string =>
  all.flatMap((one) => linesOf(one, paint)).join("\n")

const linesOf = ({ findings, service }: Findings, paint: Paint): ReadonlyArray<string> =>
  findings.length === 0
    ? [`${paint("green", "✓")} ${inLine(service)}`]
    : findings.map(({ problem, rule, severity }) => {
        const mark = severity === "error" ? paint("red", "✗ error") : paint("yellow", "! warning")
        return `${mark} ${paint("bold", inLine(service))} ${visible(`${rule}: ${problem}`)}`
      })
