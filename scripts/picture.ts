/** Plays a day of the demo, asks the dashboard's queries about it, and draws the answers as the dashboard shows them. */
import { Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { dashboard } from "../test/monitoring/support/dashboard.ts"
import { watch } from "../test/monitoring/support/day.ts"
import { ask } from "./picture/answers.ts"
import { drawPage } from "./picture/page.ts"

const file = join(import.meta.dirname, "../docs/images/dashboard.svg")

/** Long enough for curves, short enough to wait for. */
const DAY_SECONDS = 90

const program = Effect.gen(function* () {
  const day = yield* watch(DAY_SECONDS)
  const answers = yield* ask(day, dashboard.panels)
  return yield* Effect.promise(() =>
    drawPage(dashboard.title, "a day of the demo", dashboard.panels, ({ id }) => answers.get(id) ?? [])
  )
})

console.log(`A day of the demo lasts ${DAY_SECONDS} seconds.`)
const picture = await Effect.runPromise(Effect.scoped(program))
mkdirSync(dirname(file), { recursive: true })
writeFileSync(file, `${picture}\n`)
console.log(`wrote ${file} (${Math.round(picture.length / 1000)} kB)`)
