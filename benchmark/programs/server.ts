/**
 * An HTTP server that answers after one millisecond. Prints its port; ends with its parent.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const DELAY_MILLIS = 1

const server = createServer((_, response) => setTimeout(() => response.end("ok"), DELAY_MILLIS))
server.keepAliveTimeout = 60_000
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port))
process.on("disconnect", () => process.exit())
