/**
 * The provider: an HTTP server in a process of its own, so that it can hang, be killed and come back for real.
 *
 * Plain Node on purpose. It plays somebody else's service, so it knows nothing of Effect or of the library. Whatever
 * arrives is reported to the parent at once: a count kept here would die with the process.
 */
import { createServer } from "node:http"
import type { ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { type Behaviour, healthy, replyTo } from "./script-of-the-day.ts"

/** From the parent: change your mood. The first one opens the door. */
export interface Command {
  readonly behaviour: Behaviour
  /** Where to listen; 0 stands for any free port. */
  readonly port: number
}

/** To the parent: the process runs, the command is obeyed, somebody called. */
export type Notice =
  | { readonly _tag: "Started" }
  | { readonly _tag: "Obeyed"; readonly port: number }
  | { readonly _tag: "Called"; readonly caller: string; readonly inVain: boolean }

let behaviour = healthy
let since = performance.now()
let calls = 0

const notify = (notice: Notice): void => {
  if (process.connected) process.send?.(notice)
}

const respond = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) => {
  if (response.destroyed) return
  const text = JSON.stringify(body)
  response.writeHead(status, {
    ...headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text)
  })
  response.end(text)
}

const server = createServer((request, response) => {
  calls += 1
  const callNumber = calls
  const reply = replyTo(behaviour, performance.now() - since, callNumber)
  notify({ _tag: "Called", caller: String(request.headers["x-caller"]), inVain: reply._tag !== "Answer" })
  request.resume()
  switch (reply._tag) {
    case "Hang":
      return
    case "Answer":
      return void setTimeout(
        () => respond(response, 200, { id: `msg_${callNumber}`, text: `Answer number ${callNumber}` }),
        reply.afterMillis
      )
    case "Refuse": {
      const { status, retryAfterSeconds } = reply.refusal
      return void setTimeout(
        () =>
          respond(
            response,
            status,
            { error: status === 529 ? "overloaded" : "unavailable" },
            retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }
          ),
        reply.afterMillis
      )
    }
  }
})

// Idle connections stay usable for the whole demo: closing them would add failures that are not in the script.
server.keepAliveTimeout = 600_000

// A fixed port below the range that systems hand out to clients. In that range, a client that dials the dead provider
// can be given this very port for its own end, talk to itself, and keep the provider from coming back.
const candidate = (): number => 20_000 + Math.floor(Math.random() * 10_000)

const listen = (port: number, attemptsLeft: number): void => {
  server.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE" || attemptsLeft === 0) throw error
    setTimeout(() => listen(port, attemptsLeft - 1), 20)
  })
  server.listen(port === 0 ? candidate() : port, "127.0.0.1")
}

const onObeyed = () => {
  since = performance.now()
  notify({ _tag: "Obeyed", port: (server.address() as AddressInfo).port })
}

server.on("listening", () => {
  server.removeAllListeners("error")
  onObeyed()
})

process.on("message", (command: Command) => {
  behaviour = command.behaviour
  if (server.listening) onObeyed()
  else listen(command.port, 50)
})

// The parent decides when it is over: signals reach the whole process group, and the last calls still want an answer.
// When the parent is gone, even by SIGKILL, the channel closes and this process has no reason to stay.
process.on("SIGINT", () => undefined)
process.on("SIGTERM", () => undefined)
process.on("disconnect", () => process.exit(0))

notify({ _tag: "Started" })
