/**
 * Another program of ours, in a process of its own: asked over a channel, frozen, killed.
 */
import { type ChildProcess, fork } from "node:child_process"

/** What a program answers, by the name of the question. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>

/** A running program. */
export interface Program<H extends Handlers> {
  readonly ask: <N extends keyof H & string>(
    name: N,
    argument?: Parameters<H[N]>[0]
  ) => Promise<Awaited<ReturnType<H[N]>>>
  /** It keeps its connections and the system accepts new ones, but nobody answers. */
  readonly freeze: () => void
  readonly thaw: () => void
  /** Ends it at once, as a crash would. */
  readonly kill: () => Promise<void>
}

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** Starts a file; it is ready when it answers its first question. Node gets the flags that this process got. */
export const start = <H extends Handlers>(file: URL, settings: object = {}): Program<H> => {
  const child = fork(file, [JSON.stringify(settings)], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const waiting = new Map<number, (answer: Answer) => void>()
  let asked = 0
  child.on("message", (answer: Answer) => {
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  child.once("exit", (code, signal) => {
    for (const [id, settle] of waiting) settle({ id, error: `${file.pathname} ended: ${signal ?? `code ${code}`}` })
    waiting.clear()
  })
  return {
    ask: (name, argument) =>
      new Promise((resolve, reject) => {
        const question: Question = { id: asked++, name, argument }
        waiting.set(question.id, ({ error, value }) =>
          error === undefined ? resolve(value as never) : reject(new Error(error))
        )
        child.send(question, (error) => {
          if (error !== null) reject(error)
        })
      }),
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    kill: () => end(child)
  }
}

const end = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once("exit", () => resolve())
    child.kill("SIGKILL")
  })

/** In the other program: the settings it was started with. */
export const settings = <S>(): S => JSON.parse(process.argv[2] ?? "{}") as S

/** In the other program: answers until the one that started it is gone, however that ended. */
export const answer = (handlers: Handlers): void => {
  process.on("message", ({ argument, id, name }: Question) => {
    const value = Promise.resolve().then(() => handlers[name]!(argument as never))
    const send = (answer: Answer) => process.connected && process.send!(answer)
    value.then(
      (value) => send({ id, value }),
      (error: unknown) => send({ id, error: String(error) })
    )
  })
  process.on("disconnect", () => process.exit(0))
}
