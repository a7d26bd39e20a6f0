/** The command line, and the application that it is about, as processes of their own. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"

const main = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url))
const application = fileURLToPath(new URL("./application.ts", import.meta.url))
const node = [process.execPath, "--conditions=effect-resilience-source", "--disable-warning=ExperimentalWarning"]

/** What a command sees of the environment of the tests. */
const environment = (variables: Record<string, string>): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  TERM: "xterm-256color",
  USER: "alice",
  // a process starts in half the time where others have already been
  NODE_COMPILE_CACHE: join(tmpdir(), "effect-resilience-test"),
  ...variables
})

export interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** Runs the command line to its end, in pipes. */
export const run = async (args: ReadonlyArray<string>, variables: Record<string, string> = {}): Promise<Ended> => {
  const child = spawn(node[0]!, [...node.slice(1), main, ...args], {
    env: environment(variables),
    stdio: ["ignore", "pipe", "pipe"]
  })
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")])
  return { stdout, stderr, exitCode }
}

/** A process whose output can be waited for. */
export class Running {
  readonly child: ChildProcess
  output = ""

  constructor(child: ChildProcess) {
    this.child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk: string) => (this.output += chunk))
    }
  }

  /** Waits for text in the output so far, or in what is still to come. */
  async shows(expected: RegExp | string): Promise<string> {
    for (;;) {
      const found = typeof expected === "string" ? this.output.includes(expected) : expected.test(this.output)
      if (found) return this.output
      if (this.child.exitCode !== null) throw new Error(`ended without ${expected}:\n${this.output}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  write(text: string): void {
    this.child.stdin?.write(text)
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, "close")
    return this.child.exitCode
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL")
    await this.ended()
  }
}

/** Runs the command line in pipes, without waiting for its end. */
export const start = (args: ReadonlyArray<string>, variables: Record<string, string> = {}): Running =>
  new Running(spawn(node[0]!, [...node.slice(1), main, ...args], { env: environment(variables) }))

/** The application, once it listens. */
export const startApplication = async (): Promise<{ readonly process: Running; readonly url: string }> => {
  const process = new Running(spawn(node[0]!, [...node.slice(1), application], { env: environment({}) }))
  const [url] = /^http:\S+$/m.exec(await process.shows(/^http:\S+$/m))!
  return { process, url }
}

/**
 * The command line in a pseudo-terminal of 30 rows. What is written goes to its keyboard. At the end it shows "exit code: n",
 * and then how the terminal was left.
 */
export const startInTerminal = (args: ReadonlyArray<string>, variables: Record<string, string> = {}): Running => {
  const command = [...node, main, ...args].map((word) => `'${word}'`).join(" ")
  const session = `stty cols 120 rows 30; ${command}; echo "exit code: $?"; stty -a`
  return new Running(
    spawn("script", ["-qfec", session, "/dev/null"], { env: { ...environment(variables), SHELL: "/bin/sh" } })
  )
}
