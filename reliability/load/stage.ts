/**
 * An upstream and a gateway, each in a process of its own, as long as they are needed.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Endings } from "../support/endings.ts"
import * as Program from "../support/program.ts"
import { type Books, isSettled } from "./accounts.ts"
import type * as Gateway from "./gateway.ts"
import type * as Upstream from "./upstream.ts"

/** The two processes, and where to call the gateway. */
export interface Stage {
  readonly url: string
  readonly upstream: Program.Program<Upstream.Handlers>
  readonly gateway: Program.Program<Gateway.Handlers>
}

/** Starts both, and ends them however the use ends. */
export const use = async <A>(
  upstreamSettings: Upstream.Settings,
  patterns: Gateway.Settings["patterns"],
  act: (stage: Stage) => Promise<A>
): Promise<A> => {
  const upstream = Program.start<Upstream.Handlers>(new URL("./upstream.ts", import.meta.url), upstreamSettings)
  try {
    const settings: Gateway.Settings = { upstream: await upstream.ask("url"), patterns }
    const gateway = Program.start<Gateway.Handlers>(new URL("./gateway.ts", import.meta.url), settings)
    try {
      return await act({ url: await gateway.ask("url"), upstream, gateway })
    } finally {
      await gateway.kill()
    }
  } finally {
    await upstream.kill()
  }
}

const SETTLING_MILLIS = 5_000

/** The books of a route whose callers have all ended; a call whose caller went away a moment ago may end now. */
export const booksOf = async ({ gateway, upstream }: Stage, route: string, endings: Endings): Promise<Books> => {
  const began = performance.now()
  let totals = await gateway.ask("totals")
  while (!isSettled(totals) && performance.now() - began < SETTLING_MILLIS) {
    await sleep(20)
    totals = await gateway.ask("totals")
  }
  return { endings, totals, received: (await upstream.ask("received"))[`/${route}`] ?? 0 }
}
