/**
 * Standard output: a panel that redraws itself where there is room for it, a row per second elsewhere, and a way to notice
 * that nobody reads any more.
 */
import { Deferred, Effect } from "effect"
import { styleText } from "node:util"
import type { Paint } from "./report.ts"
import { type Frame, hasRoom, header, panel, row } from "./screen.ts"

export interface Terminal {
  /** Plain text where the output shows no colours, or somebody asked for none (`NO_COLOR`). */
  readonly paint: Paint
  readonly write: (text: string) => Effect.Effect<void>
  /** Shows a frame ten times a second, and the last one when it is interrupted. */
  readonly show: (frame: Effect.Effect<Frame>) => Effect.Effect<never>
  /** Returns when the reader has gone, as `head` does; fails when the output cannot be written for another reason. */
  readonly closed: Effect.Effect<void, NodeJS.ErrnoException>
}

const frameMillis = 100

const escape = {
  hideCursor: "\u001B[?25l",
  showCursor: "\u001B[?25h",
  /** Lines that are too long are cut off, so that one line of text stays one line of the terminal. */
  disableWrap: "\u001B[?7l",
  enableWrap: "\u001B[?7h",
  eraseRestOfLine: "\u001B[K",
  eraseBelow: "\u001B[J",
  home: "\u001B[H",
  up: (lines: number) => (lines === 0 ? "" : `\u001B[${lines}A`)
}

/** Standard output, or something like it. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export const make = (stream: Output): Effect.Effect<Terminal> =>
  Effect.sync(() => {
    const closed = Deferred.makeUnsafe<void, NodeJS.ErrnoException>()
    stream.on("error", (error: NodeJS.ErrnoException) => {
      Deferred.doneUnsafe(closed, error.code === "EPIPE" ? Effect.void : Effect.fail(error))
    })
    const paint: Paint = (style, text) => styleText(style, text, { stream })
    const write = (text: string) =>
      Effect.callback<void>((resume) => void stream.write(text, () => resume(Effect.void)))

    const show: Terminal["show"] = (frame) =>
      Effect.suspend(() => {
        const draw = makeDrawing(stream, paint)
        const step = Effect.uninterruptible(Effect.flatMap(frame, (frame) => write(draw(frame))))
        const restore = canMoveCursor(stream) ? write(escape.enableWrap + escape.showCursor) : Effect.void
        return Effect.forever(Effect.delay(step, frameMillis)).pipe(Effect.ensuring(Effect.andThen(step, restore)))
      })

    return { paint, write, show, closed: Deferred.await(closed) }
  })

const canMoveCursor = (stream: Output): boolean => stream.isTTY === true && process.env["TERM"] !== "dumb"

/** What to write for each frame, given what was written before. */
const makeDrawing = (stream: Output, paint: Paint): ((frame: Frame) => string) => {
  let size = ""
  let height = 0
  let second = 0
  let hasHeader = false

  const redraw = (lines: ReadonlyArray<string>): string => {
    const before = size
    size = `${stream.columns}x${stream.rows}`
    // a terminal that changes its size may have moved the lines: start again on a clean screen
    const start = before === "" || before === size ? escape.up(height) : escape.home + escape.eraseBelow
    height = lines.length
    const text = lines.map((line) => `${line}${escape.eraseRestOfLine}\n`).join("")
    return escape.hideCursor + escape.disableWrap + start + text + escape.eraseBelow
  }

  const append = (frame: Frame): string => {
    const now = Math.floor(frame.elapsedMillis / 1000)
    if (now === second) return ""
    const lines = [...(hasHeader ? [] : header(paint)), row(frame, paint)]
    const start = height === 0 ? "" : escape.enableWrap
    second = now
    hasHeader = true
    height = 0
    return `${start}${lines.join("\n")}\n`
  }

  return (frame) => (canMoveCursor(stream) && hasRoom(stream) ? redraw(panel(frame, paint)) : append(frame))
}
