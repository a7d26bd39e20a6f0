/**
 * What is true of services now: a row for each, or everything about one.
 */
import * as Duration from "effect/Duration"
import type { Api } from "../../admin/index.ts"
import { type Paint, type Style, visible } from "./paint.ts"
import { type Cell, table } from "./table.ts"

type Status = Api.Status
type Snapshot = Status["snapshot"]
/** What is known of one service, by pattern. */
type Snapshots = ReadonlyMap<string, Snapshot>

interface Column {
  readonly title: string
  readonly cell: (snapshots: Snapshots) => Cell
}

/** A row for each service. */
export const overview = (all: ReadonlyArray<Status>, paint: Paint): ReadonlyArray<string> => {
  const rows = [...new Set(all.map(({ service }) => service))].map((service) => {
    const instances = all.filter((one) => one.service === service)
    const snapshots = new Map(instances.map(({ pattern, snapshot }) => [pattern, snapshot]))
    return [{ text: service, style: "bold" } as const, ...columns.map(({ cell }) => cell(snapshots))]
  })
  const titles = ["service", ...columns.map(({ title }) => title)]
  return rows.length === 0
    ? ["no service is in use or declared"]
    : table([titles.map((text) => ({ text, style: "dim" }) as const), ...rows], paint)
}

/** Everything about the instances of one service. */
export const details = (instances: ReadonlyArray<Status>, paint: Paint): ReadonlyArray<string> =>
  instances.flatMap(({ description, pattern, snapshot }, at) => [
    ...(at === 0 ? [] : [""]),
    `${paint("bold", visible(pattern))}${description === "" ? "" : `  ${visible(description)}`}`,
    ...table(
      Object.entries(snapshot)
        .filter(([key]) => key !== "kind" && key !== "service")
        .map(([key, value]) => [`  ${key}`, shownOf(value)]),
      paint
    )
  ])

/** The services whose circuit is not closed, or one of whose keys has a circuit that is not. */
export const notClosed = (all: ReadonlyArray<Status>): ReadonlyArray<string> =>
  all
    .filter(({ pattern, snapshot }) => pattern === "circuit-breaker" && (worstOf(snapshot) ?? "Closed") !== "Closed")
    .map(({ service }) => service)

/** The state of the circuit, or the worst of those of keys. An application of an older version knows no keys. */
const worstOf = ({ state, worstState }: Snapshot): Snapshot[string] | undefined => worstState ?? state

const NOTHING = "–"

const shownOf = (value: unknown): string => {
  if (value === null || value === undefined) return NOTHING
  return typeof value === "string" ? value : JSON.stringify(value)
}

/** Columns are about what operators look for first. A pattern without one is in the details. */
const columns: ReadonlyArray<Column> = [
  { title: "circuit", cell: (snapshots) => circuitCell(snapshots.get("circuit-breaker")) },
  { title: "calls", cell: sumOf("pipeline", ["successes", "failures"]) },
  { title: "failed", cell: sumOf("pipeline", ["failures"], "red") },
  { title: "turned away", cell: turnedAway },
  { title: "timeouts", cell: sumOf("timeout", ["exceeded"]) },
  { title: "retries", cell: sumOf("retry", ["retries"]) },
  { title: "fallbacks", cell: sumOf("fallback", ["answered"]) },
  { title: "running", cell: (snapshots) => runningCell(snapshots.get("bulkhead")) },
  { title: "waiting", cell: sumOf("bulkhead", ["queued"], "yellow") }
]

/** Zero needs no attention, whatever the colour of more. */
function countCell(count: number, style?: Style): Cell {
  if (count === 0) return { text: "0", style: "dim" }
  return style === undefined ? String(count) : { text: String(count), style }
}

function sumOf(pattern: string, counts: ReadonlyArray<string>, style?: Style): Column["cell"] {
  return (snapshots) => {
    const snapshot = snapshots.get(pattern)
    return snapshot === undefined
      ? NOTHING
      : countCell(
          counts.reduce((sum, count) => sum + numberOf(snapshot[count]), 0),
          style
        )
  }
}

function turnedAway(snapshots: Snapshots): Cell {
  const [circuit, bulkhead] = [snapshots.get("circuit-breaker"), snapshots.get("bulkhead")]
  if (circuit === undefined && bulkhead === undefined) return NOTHING
  return countCell(numberOf(circuit?.["rejections"]) + numberOf(bulkhead?.["rejected"]), "yellow")
}

const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0)

const runningCell = (bulkhead: Snapshot | undefined): Cell => {
  if (bulkhead === undefined) return NOTHING
  const [active, limit] = [numberOf(bulkhead["active"]), shownOf(bulkhead["limit"])]
  if (bulkhead["limit"] === 0) return { text: `${active}, nobody gets in`, style: "red" }
  return numberOf(bulkhead["keys"]) === 0 ? `${active} of ${limit}` : `${active} (at most ${limit} for each key)`
}

const states: ReadonlyMap<unknown, { readonly text: string; readonly style: Style }> = new Map([
  ["Closed", { text: "● closed", style: "green" }],
  ["HalfOpen", { text: "◐ half-open", style: "yellow" }],
  ["Open", { text: "○ open", style: "red" }],
  ["Isolated", { text: "⊘ isolated", style: "magenta" }]
])

const circuitCell = (circuit: Snapshot | undefined): Cell => {
  if (circuit === undefined) return NOTHING
  const { keys, keysNotClosed, mode, retryAfter, state } = circuit
  const worst = worstOf(circuit)
  const { style, text } = states.get(worst) ?? { text: shownOf(worst), style: "yellow" }
  const notes = [
    ...(mode === "enforce" ? [] : [shownOf(mode)]),
    ...(typeof retryAfter === "number" && state === "Open" && state === worst
      ? [`probe in ${seconds(retryAfter)}`]
      : []),
    ...isolationNotes(circuit["isolations"]),
    ...(numberOf(keysNotClosed) === 0 ? [] : [`${shownOf(keysNotClosed)} of ${shownOf(keys)} keys not closed`])
  ]
  return { text: [text, ...notes].join(", "), style }
}

/** Who isolates a circuit, for how long, and why. */
const isolationNotes = (isolations: unknown): ReadonlyArray<string> =>
  (Array.isArray(isolations) ? isolations : []).map((isolation) => {
    const { by, reason, remaining } = Object(isolation) as Readonly<Record<string, unknown>>
    const whose = by === "" ? "" : `by ${shownOf(by)}`
    const time = typeof remaining === "number" ? `for ${seconds(remaining)}` : "until released"
    return [whose, time, typeof reason === "string" ? `(${reason})` : ""].filter((part) => part !== "").join(" ")
  })

const seconds = (millis: number): string => Duration.format(Duration.seconds(Math.ceil(millis / 1000)))
