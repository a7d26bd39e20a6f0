/**
 * The upstream, in a process of its own: so many workers, each busy for so long with a request, and a queue without end.
 *
 * It works on for callers who have left, as most servers do.
 */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as Program from "../support/program.ts"

/** What it can do; without workers, it answers everything at once. */
export interface Settings {
  readonly workers?: number
  readonly serviceMillis?: number
}

const { serviceMillis = 0, workers = Infinity } = Program.settings<Settings>()

const queue: Array<ServerResponse> = []
let busy = 0
/** Requests that came, by the route of the gateway. */
const received: Record<string, number> = {}

const finish = (response: ServerResponse): void => {
  if (!response.destroyed) response.end("an answer")
}

const work = (response: ServerResponse): void => {
  busy++
  setTimeout(() => {
    busy--
    finish(response)
    const next = queue.shift()
    if (next !== undefined) work(next)
  }, serviceMillis)
}

const server = createServer((request, response) => {
  const route = String(request.url)
  received[route] = (received[route] ?? 0) + 1
  if (workers === Infinity) finish(response)
  else if (busy < workers) work(response)
  else queue.push(response)
})
// An idle connection that is closed just when it is used again would be a loss that nobody here wants to measure.
server.keepAliveTimeout = 600_000

const listening = new Promise<string>((resolve) => {
  server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
})

const handlers = {
  url: () => listening,
  received: () => received
}

/** What it answers. */
export type Handlers = typeof handlers

Program.answer(handlers)
