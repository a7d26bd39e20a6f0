/**
 * The upstream that misbehaves, in a process of its own.
 */
import { createServer, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as Program from "../support/program.ts"

const answer = (response: ServerResponse): void => void response.end("an answer")

const half = (response: ServerResponse): Socket | null => {
  response.writeHead(200, { "content-length": "100" }).write("half of it")
  return response.socket
}

/** What it does with a request. */
const behaviours = {
  answers: answer,
  "is slow": (response: ServerResponse) => void setTimeout(() => answer(response), 1_000),
  "reads and never answers": () => {},
  // the other half of the connection stays open: it goes on reading
  "closes its half without an answer": (response: ServerResponse) => void response.socket?.end(),
  "resets in the middle of the body": (response: ServerResponse) => {
    const socket = half(response)
    setTimeout(() => socket?.resetAndDestroy(), 5)
  },
  "stops in the middle of the body": (response: ServerResponse) => void half(response)
}

/** One of them. */
export type Behaviour = keyof typeof behaviours

/** Where to listen. */
export interface Listen {
  /** 0 stands for any free one. */
  readonly port: number
  /** How many connections the system may accept ahead. */
  readonly backlog?: number
}

let behaviour: Behaviour = "answers"
const sockets = new Set<Socket>()

const open = new Set<ServerResponse>()

const server = createServer((_, response) => {
  open.add(response)
  response.on("close", () => open.delete(response))
  behaviours[behaviour](response)
})
server.keepAliveTimeout = 600_000
server.on("connection", (socket) => {
  sockets.add(socket)
  socket.on("error", () => {})
  socket.on("close", () => sockets.delete(socket))
})

const ATTEMPTS = 100

/** Below the ports that systems give to clients: one of those could be given to a client that dials in vain. */
const anyPort = (): number => 20_000 + Math.floor(Math.random() * 10_000)

const listenOnce = (port: number, backlog: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ port, host: "127.0.0.1", backlog }, () => {
      server.off("error", reject)
      resolve()
    })
  })

const handlers = {
  listen: async ({ backlog = 511, port }: Listen): Promise<number> => {
    for (let attempt = 1; ; attempt++) {
      const chosen = port === 0 ? anyPort() : port
      try {
        await listenOnce(chosen, backlog)
        return chosen
      } catch (error) {
        if (attempt === ATTEMPTS) throw error
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
  },
  /** Nobody listens any more, and all connections are gone. */
  close: () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  },
  behave: (next: Behaviour) => {
    behaviour = next
  },
  requests: () => open.size,
  connections: () => sockets.size
}

/** What it answers. */
export type Handlers = typeof handlers

Program.answer(handlers)
