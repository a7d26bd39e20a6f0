/** A server in a process of its own, to be killed: it tells its port, and then each request, on its standard output. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const [port = "0", behaviour = "hang"] = process.argv.slice(2)

const server = createServer((request, response) => {
  process.stdout.write(`${request.method}\n`)
  if (behaviour === "answer") response.end("an answer")
  else if (behaviour === "half") response.writeHead(200, { "content-length": "100" }).write("half of it")
})
server.listen(Number(port), "127.0.0.1", () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`)
})
