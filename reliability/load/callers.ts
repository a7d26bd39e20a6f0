/**
 * The callers: real HTTP requests, sent when they are due, whether or not earlier ones were answered.
 *
 * Plain Node, to take little of the machine from what is measured. Waiting times count from the moment a request was due, so a
 * late generator flatters nobody.
 */
import { Agent, get } from "node:http"
import { add, type Endings } from "../support/endings.ts"

/** What is asked, how often, and for how long. */
export interface Options {
  readonly url: string
  readonly ratePerSecond: number
  readonly seconds: number
  /** A caller that has waited as long goes away. */
  readonly patienceMillis: number
}

/** What became of all requests of one phase. */
export interface Tally {
  readonly sent: number
  readonly endings: Endings
  /** From the first request to the last. */
  readonly sendingSeconds: number
  readonly waits: ReadonlyArray<Wait>
  /** How late requests were sent: this process had to wait for the processor. */
  readonly lateMillis: ReadonlyArray<number>
}

/** One request. */
export interface Wait {
  readonly ending: string
  readonly millis: number
}

/** The caller went away. */
export const GAVE_UP = "gave up"

/** Sends all requests, and waits for their answers. */
export const send = async ({ patienceMillis, ratePerSecond, seconds, url }: Options): Promise<Tally> => {
  const agent = new Agent({ keepAlive: true })
  const total = Math.round(ratePerSecond * seconds)
  const endings: Endings = new Map()
  const waits: Array<Wait> = []
  const lateMillis: Array<number> = []
  const began = performance.now()
  const dueAt = (n: number): number => began + (n * 1000) / ratePerSecond
  let sent = 0
  let sentAt = began
  await new Promise<void>((resolve) => {
    const settle = (n: number, ending: string): void => {
      add(endings, ending)
      waits.push({ ending, millis: performance.now() - dueAt(n) })
      if (waits.length === total) resolve()
    }
    const tick = (): void => {
      while (sent < total && dueAt(sent) <= performance.now()) {
        const n = sent++
        lateMillis.push(performance.now() - dueAt(n))
        ask(url, agent, patienceMillis, (ending) => settle(n, ending))
      }
      sentAt = performance.now()
      if (sent < total) setTimeout(tick, 1)
    }
    tick()
  })
  agent.destroy()
  return { sent, endings, sendingSeconds: Math.max(seconds, (sentAt - began) / 1000), waits, lateMillis }
}

/** As many requests as there are answers: a number of callers, each of whom asks again as soon as it has its answer. */
export const press = async (url: string, callers: number, seconds: number, patienceMillis: number): Promise<Tally> => {
  const agent = new Agent({ keepAlive: true })
  const endings: Endings = new Map()
  const waits: Array<Wait> = []
  const began = performance.now()
  let sent = 0
  const call = async (): Promise<void> => {
    while (performance.now() - began < seconds * 1000) {
      const at = performance.now()
      sent++
      const ending = await new Promise<string>((resolve) => ask(url, agent, patienceMillis, resolve))
      add(endings, ending)
      waits.push({ ending, millis: performance.now() - at })
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  agent.destroy()
  return { sent, endings, sendingSeconds: (performance.now() - began) / 1000, waits, lateMillis: [] }
}

/** One request; `settle` hears once how it ended. */
const ask = (url: string, agent: Agent, patienceMillis: number, settle: (ending: string) => void): void => {
  let isOver = false
  const end = (ending: string): void => {
    if (isOver) return
    isOver = true
    clearTimeout(patience)
    settle(ending)
  }
  const request = get(url, { agent }, (response) => {
    response.resume()
    response.on("end", () => {
      const said = response.headers["x-ending"]
      end(response.statusCode === 200 ? "success" : typeof said === "string" ? said : `status ${response.statusCode}`)
    })
    response.on("error", (error) => end(`broken off: ${error.message}`))
  })
  request.on("error", (error) => end(`lost: ${error.message}`))
  const patience = setTimeout(() => {
    end(GAVE_UP)
    request.destroy()
  }, patienceMillis)
}
