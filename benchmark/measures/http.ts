/**
 * What a guard costs in the place where it is used: directly after a request, when the caches are those of a real program.
 *
 * The guarded operation does nothing, so that the noise of the request itself is not in the figures.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { Agent, get } from "node:http"
import type { Loops } from "../loops.ts"
import { median, quantile } from "../statistics.ts"
import { type Figures, interleave } from "./rounds.ts"

const SAMPLES = 25

/** A server has answered so many requests before anybody looks at it: the code is compiled, whatever ran in between. */
const WARM_UP_TIMES = 20_000

/** The share of requests that are as fast as on a machine with nothing else to do, or nearly. */
const UNDISTURBED = 0.25

interface Server {
  readonly request: () => Promise<void>
  readonly close: () => void
}

const serve = async (): Promise<Server> => {
  const child = fork(new URL("../programs/server.ts", import.meta.url))
  const [port]: ReadonlyArray<number> = await once(child, "message")
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const request = () =>
    new Promise<void>((resolve, reject) => {
      const onResponse = (response: NodeJS.ReadableStream) => response.on("end", resolve).resume()
      get({ agent, port, host: "127.0.0.1" }, onResponse).on("error", reject)
    })
  return {
    request,
    close: () => {
      agent.destroy()
      child.disconnect()
    }
  }
}

const timeOnce = async (run: () => Promise<void>): Promise<number> => {
  const began = performance.now()
  await run()
  return performance.now() - began
}

/** The share of a request's time that each variant adds, in percent. */
export const overhead = async (variants: Readonly<Record<string, Loops>>, rounds: number): Promise<Figures> => {
  const { close, request } = await serve()
  const requests: Array<number> = []
  const loops = new Set(Object.values(variants).flatMap(({ bare, guarded }) => [bare, guarded]))
  const entries = [...loops].map((loop) => ({ loop, medians: [] as Array<number> }))
  for (const { loop } of entries) await loop(WARM_UP_TIMES)
  await interleave(rounds + 1, entries, async ({ loop, medians }) => {
    const millis: Array<number> = []
    for (let sample = 0; sample < SAMPLES; sample++) {
      requests.push(await timeOnce(request))
      millis.push(await timeOnce(() => loop(1)))
    }
    medians.push(median(millis))
  })
  close()
  const whole = quantile(requests, UNDISTURBED)
  const millisOf = new Map(entries.map(({ loop, medians }) => [loop, medians.slice(1)]))
  return Object.fromEntries(
    Object.entries(variants).map(([name, { bare, guarded }]) => {
      const bareMillis = millisOf.get(bare)!
      return [name, millisOf.get(guarded)!.map((millis, round) => ((millis - bareMillis[round]!) / whole) * 100)]
    })
  )
}
