/**
 * Alerts as the JSON of Slack's incoming webhooks.
 */
import * as DateTime from "effect/DateTime"
import type { AlertGroup } from "../Alerts.ts"
import { describe, omission, summarize, title } from "./alertText.ts"

/** A text object of Slack. */
export interface Text {
  readonly type: "plain_text" | "mrkdwn"
  readonly text: string
}

/** A block of Slack. */
export type Block =
  | { readonly type: "header"; readonly text: Text }
  | { readonly type: "section"; readonly text: Text; readonly fields: ReadonlyArray<Text> }
  | { readonly type: "context"; readonly elements: ReadonlyArray<Text> }

/** A message of Slack: `text` is for notifications, `blocks` for those who look. */
export interface Message {
  readonly text: string
  readonly blocks: ReadonlyArray<Block>
}

/** The message about a group. Its header is what happened last, so that it tells how things stand. */
export const render = (group: AlertGroup): Message => {
  const missing = omission(group)
  return {
    text: fit(summarize(group), TEXT_MAX),
    blocks: [
      ...group.alerts.slice(-1).flatMap((last): ReadonlyArray<Block> => [
        { type: "header", text: plain(`${group.service}: ${title(last)}`, HEADER_MAX) },
        {
          type: "section",
          text: plain(group.alerts.map(describe).join("\n"), TEXT_MAX),
          fields: [field("Service", fit(group.service, FIELD_MAX)), field("Time", dateOf(last.at))]
        }
      ]),
      ...(missing === undefined ? [] : [{ type: "context", elements: [plain(missing, TEXT_MAX)] } as const])
    ]
  }
}

/** Slack refuses a message with a longer text. */
const HEADER_MAX = 150
const FIELD_MAX = 1_900
const TEXT_MAX = 3_000

const plain = (text: string, max: number): Text => ({ type: "plain_text", text: fit(text, max) })

const field = (name: string, value: string): Text => ({ type: "mrkdwn", text: `*${name}*\n${value}` })

/** Slack shows it in the time zone of the reader. */
const dateOf = (at: number): string =>
  `<!date^${Math.floor(at / 1_000)}^{date_num} {time_secs}|${DateTime.formatIso(DateTime.makeUnsafe(at))}>`

/** Escaped, and cut between characters if it is too long. */
const fit = (text: string, max: number): string => {
  let fitting = ""
  for (const character of text) {
    const escaped = CONTROL_CHARACTERS.get(character) ?? character
    if (fitting.length + escaped.length >= max) return `${fitting}…`
    fitting += escaped
  }
  return fitting
}

/** The characters that have a meaning in any text of Slack. */
const CONTROL_CHARACTERS: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"]
])
