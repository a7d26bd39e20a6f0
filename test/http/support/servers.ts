import { Effect } from "effect"
import { spawn } from "node:child_process"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import { createInterface } from "node:readline"

/** A running server, and what it saw. */
export interface Running {
  readonly url: string
  readonly requests: Array<IncomingMessage>
  /** Connections that were ever made, and those that are open now. */
  readonly sockets: { made: number; open: number }
}

const listen = (server: Server, requests: Array<IncomingMessage>) =>
  Effect.acquireRelease(
    Effect.callback<Running & { readonly close: () => void }>((resume) => {
      const sockets = { made: 0, open: 0 }
      const open = new Set<Socket>()
      server.on("connection", (socket) => {
        sockets.made++
        sockets.open++
        open.add(socket)
        socket.on("error", () => {})
        socket.on("close", () => {
          sockets.open--
          open.delete(socket)
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        const close = () => {
          for (const socket of open) socket.destroy()
          server.close()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}/`, requests, sockets, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

/** What the server does with its first request, its second, ...; with the last one's successors as with the last one. */
export const serve = (...answers: ReadonlyArray<(response: ServerResponse, request: IncomingMessage) => void>) =>
  Effect.suspend(() => {
    const requests: Array<IncomingMessage> = []
    const server = createServer((request, response) => {
      requests.push(request)
      answers[Math.min(requests.length, answers.length) - 1]!(response, request)
    })
    return listen(server, requests)
  })

/** A server below HTTP: it does something with each connection that has sent something. */
export const serveTcp = (onData: (socket: Socket, count: number) => void) =>
  Effect.suspend(() => {
    let count = 0
    const server = createTcpServer((socket) => socket.once("data", () => onData(socket, ++count)))
    return Effect.map(listen(server, []), (running) => ({ ...running, count: () => count }))
  })

/** A port where nobody listens. */
export const freePort = Effect.callback<number>((resume) => {
  const server = createTcpServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** A server in another process; `kill` ends it as the kernel would, without a farewell. */
export const serveElsewhere = (behaviour: "hang" | "half" | "answer", port = 0) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly requests: Array<string>; readonly kill: () => void }>(
      (resume) => {
        const script = join(import.meta.dirname, "unruly-server.ts")
        const child = spawn(process.execPath, [script, String(port), behaviour], {
          stdio: ["ignore", "pipe", "inherit"]
        })
        const requests: Array<string> = []
        createInterface(child.stdout).on("line", (line) => {
          const started = /^port (\d+)$/.exec(line)
          if (started === null) requests.push(line)
          else resume(Effect.succeed({ port: Number(started[1]), requests, kill: () => child.kill("SIGKILL") }))
        })
      }
    ),
    ({ kill }) => Effect.sync(kill)
  )

/** Waits until something is true; the test's own time limit ends it. */
export const until = (isTrue: () => boolean) => Effect.sleep("5 millis").pipe(Effect.repeat({ until: isTrue }))
