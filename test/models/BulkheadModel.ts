/**
 * A bulkhead: so many calls of a key inside, so many more in a line, first come first served. A call in the line goes away
 * when its patience is over, and the patience of a caller is no longer than its deadline.
 */
import { Bulkhead } from "../../src/index.ts"
import { Agenda, type Entry } from "./support/Agenda.ts"
import { behaviourOf, type Call, endOfBehaviour, plain } from "./support/Call.ts"
import type { Model, Reference } from "./support/Model.ts"

interface Settings {
  readonly maxConcurrent: number
  readonly maxQueue: number
  readonly queueTimeout: number
}

interface Plan extends Settings {
  readonly hasDeadlines: boolean
  readonly hasKeys: boolean
}

type Order =
  | { readonly _tag: "resize"; readonly limit: number }
  | { readonly _tag: "reconfigure"; readonly changes: Partial<Settings> }

interface Visitor {
  readonly call: Call
  state: "waiting" | "admitted" | "running" | "gone"
  /** The end of its patience, or of its work. */
  next: Entry | undefined
}

interface Room {
  inside: ReadonlyArray<Visitor>
  line: ReadonlyArray<Visitor>
}

export const KEYS = [undefined, "a", "b"]

export class BulkheadModel implements Reference<Order> {
  readonly story: Array<string> = []
  private readonly agenda = new Agenda()
  private readonly rooms = new Map<string | undefined, Room>(KEYS.map((key) => [key, { inside: [], line: [] }]))
  private readonly known = new Set<string>()
  private readonly visitors = new Map<number, Visitor>()
  private readonly totals = { successes: 0, failures: 0, interrupted: 0, rejectedFull: 0, rejectedQueueTimeout: 0 }
  private admitted: ReadonlyArray<Visitor> = []
  private settings: Settings

  constructor({ maxConcurrent, maxQueue, queueTimeout }: Plan) {
    this.settings = { maxConcurrent, maxQueue, queueTimeout }
  }

  call(call: Call): void {
    const { maxConcurrent, maxQueue, queueTimeout } = this.settings
    const room = this.roomOf(call)
    const visitor: Visitor = { call, state: "waiting", next: undefined }
    this.visitors.set(call.id, visitor)
    if (call.key !== undefined) this.known.add(call.key)
    if (room.inside.length < maxConcurrent) {
      room.inside = [...room.inside, visitor]
      this.begin(visitor)
    } else if (room.line.length < maxQueue) {
      room.line = [...room.line, visitor]
      const patience = Math.min(queueTimeout, call.remaining)
      if (patience < Infinity) visitor.next = this.agenda.after(patience, () => this.reject(visitor, "queue-timeout"))
    } else this.reject(visitor, "full")
  }

  interrupt(id: number): void {
    const visitor = this.visitors.get(id)
    if (visitor === undefined || visitor.state === "gone") return
    this.totals.interrupted++
    this.leave(visitor, "interrupted")
  }

  advance(millis: number): void {
    this.agenda.advance(millis)
  }

  settle(): void {
    for (let next = this.admitted[0]; next !== undefined; next = this.admitted[0]) {
      this.admitted = this.admitted.slice(1)
      if (next.state === "admitted") this.begin(next)
    }
  }

  obey(order: Order): void {
    if (order._tag === "resize") this.settings = { ...this.settings, maxConcurrent: order.limit }
    else this.settings = { ...this.settings, ...order.changes }
    for (const room of this.rooms.values()) this.admit(room)
  }

  snapshot(): unknown {
    const { maxConcurrent, maxQueue } = this.settings
    const { rejectedFull, rejectedQueueTimeout } = this.totals
    const occupancy = KEYS.map((key) => {
      const { inside, line } = this.rooms.get(key)!
      return [inside.length, line.length]
    })
    const keys = this.known.size
    return {
      ...this.totals,
      limit: maxConcurrent,
      maxQueue,
      keys,
      occupancy,
      events: rejectedFull + rejectedQueueTimeout
    }
  }

  private roomOf({ key }: Call): Room {
    return this.rooms.get(key)!
  }

  private begin(visitor: Visitor): void {
    const behaviour = behaviourOf(visitor.call, 1)
    visitor.state = "running"
    this.tell(visitor, ", attempt 1")
    if (behaviour.does !== "hang") {
      visitor.next = this.agenda.after(behaviour.after, () => {
        if (behaviour.does === "succeed") this.totals.successes++
        else if (behaviour.does === "interrupt") this.totals.interrupted++
        else this.totals.failures++
        this.leave(visitor, endOfBehaviour(behaviour))
        // Time stands still until those who got in have begun.
        if (behaviour.after > 0) this.settle()
      })
    }
  }

  private reject(visitor: Visitor, reason: "full" | "queue-timeout"): void {
    if (reason === "full") this.totals.rejectedFull++
    else this.totals.rejectedQueueTimeout++
    this.leave(visitor, `BulkheadRejectedError(prices, ${reason}, ${this.settings.maxConcurrent})`)
  }

  private leave(visitor: Visitor, end: string): void {
    const room = this.roomOf(visitor.call)
    this.agenda.cancel(visitor.next)
    visitor.state = "gone"
    room.inside = room.inside.filter((other) => other !== visitor)
    room.line = room.line.filter((other) => other !== visitor)
    this.tell(visitor, `: ${end}`)
    this.admit(room)
  }

  private admit(room: Room): void {
    while (room.inside.length < this.settings.maxConcurrent && room.line.length > 0) {
      const [first, ...others] = room.line
      this.agenda.cancel(first!.next)
      first!.state = "admitted"
      room.inside = [...room.inside, first!]
      room.line = others
      this.admitted = [...this.admitted, first!]
    }
  }

  private tell({ call }: Visitor, what: string): void {
    this.story.push(`at ${this.agenda.now} call ${call.id}${what}`)
  }
}

export const bulkhead: Model<Plan, Order> = {
  policy: "bulkhead",
  waits: [1, 5, 10, 20, 40, 100],
  plan: (random) => ({
    maxConcurrent: random.integer(1, 3),
    maxQueue: random.integer(0, 3),
    queueTimeout: random.pick([Infinity, Infinity, 5, 10, 30]),
    hasDeadlines: random.next() < 0.3,
    hasKeys: random.next() < 0.4
  }),
  palette: ({ hasDeadlines, hasKeys }) => ({
    ...plain,
    keys: hasKeys ? KEYS : [undefined],
    remaining: hasDeadlines ? [Infinity, -1, 0, 1, 10, 20] : [Infinity]
  }),
  order: (random) => {
    if (random.next() < 0.5) return { _tag: "resize", limit: random.integer(0, 4) }
    const changes: ReadonlyArray<Partial<Settings>> = [
      { maxConcurrent: random.integer(1, 4) },
      { maxQueue: random.integer(0, 4) },
      { queueTimeout: random.pick([5, 20]) }
    ]
    return { _tag: "reconfigure", changes: random.pick(changes) }
  },
  reference: (plan) => new BulkheadModel(plan),
  real: ({ maxConcurrent, maxQueue, queueTimeout }) => {
    const policy = Bulkhead.makeUnsafe({ service: "prices", maxConcurrent, maxQueue, queueTimeout })
    return {
      parts: [policy],
      obey: (order) => (order._tag === "resize" ? policy.resize(order.limit) : policy.reconfigure(order.changes)),
      snapshot: (now, events) => {
        const { active, kind: _, queued, rejected: __, service: ___, ...snapshot } = policy.snapshot(now)
        const [a, b] = ["a", "b"].map((key) => policy.snapshot(now, key))
        const unnamed = [active - a!.active - b!.active, queued - a!.queued - b!.queued]
        const occupancy = [unnamed, [a!.active, a!.queued], [b!.active, b!.queued]]
        return { ...snapshot, occupancy, events: events().length }
      }
    }
  }
}
