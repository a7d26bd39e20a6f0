/**
 * All cases, in the order of the report.
 */
import type { Case } from "../case.ts"
import { concurrency } from "./concurrency.ts"
import { growth } from "./growth.ts"
import { http } from "./http.ts"
import { imports } from "./imports.ts"
import { memory } from "./memory.ts"
import { patterns } from "./patterns.ts"
import { stack } from "./stack.ts"

export interface Section {
  readonly title: string
  readonly cases: ReadonlyArray<Case>
}

export const sections: ReadonlyArray<Section> = [
  { title: "All five patterns", cases: stack },
  { title: "Each pattern alone", cases: patterns },
  { title: "Around a request", cases: http },
  { title: "Many calls at once", cases: concurrency },
  { title: "Many keys, large windows", cases: growth },
  { title: "Memory", cases: memory },
  { title: "Imports", cases: imports }
]
