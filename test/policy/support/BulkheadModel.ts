/**
 * A bulkhead in slow motion: lists of calls, and a clock that goes from one event to the next. What happens at the same
 * instant happens in the order in which it was arranged, as under `TestClock`.
 */
export interface Call {
  readonly id: number
  readonly key: string | undefined
  /** How long it runs, and how that ends. */
  readonly millis: number
  readonly ending: "success" | "failure" | "defect"
  /** How long it may wait. */
  readonly patience: number
}

export interface Counts {
  successes: number
  failures: number
  interrupted: number
  rejectedFull: number
  rejectedQueueTimeout: number
}

interface Entry {
  readonly call: Call
  state: "waiting" | "admitted" | "running" | "gone"
  /** When its wait or its run is over, and which of several such events of one instant comes first. */
  due: number
  order: number
}

interface Gate {
  inside: ReadonlyArray<Entry>
  waiting: ReadonlyArray<Entry>
  readonly started: Array<number>
}

export class BulkheadModel {
  limit: number
  now = 0
  readonly counts: Counts = { successes: 0, failures: 0, interrupted: 0, rejectedFull: 0, rejectedQueueTimeout: 0 }
  private readonly maxQueue: number
  private readonly gates = new Map<string | undefined, Gate>()
  private admitted: ReadonlyArray<Entry> = []
  private arranged = 0

  constructor(limit: number, maxQueue: number) {
    this.limit = limit
    this.maxQueue = maxQueue
  }

  gateOf(key: string | undefined): Gate {
    const gate = this.gates.get(key) ?? { inside: [], waiting: [], started: [] }
    this.gates.set(key, gate)
    return gate
  }

  arrive(call: Call): void {
    const gate = this.gateOf(call.key)
    const entry: Entry = { call, state: "waiting", due: 0, order: 0 }
    if (gate.inside.length < this.limit) {
      gate.inside = [...gate.inside, entry]
      this.start(entry)
    } else if (gate.waiting.length < this.maxQueue) {
      gate.waiting = [...gate.waiting, entry]
      this.arrange(entry, call.patience)
    } else this.counts.rejectedFull++
  }

  interrupt(call: Call): void {
    const gate = this.gateOf(call.key)
    const entry = [...gate.inside, ...gate.waiting].find((entry) => entry.call === call)
    if (entry === undefined) return
    this.counts.interrupted++
    this.leave(entry)
  }

  resize(limit: number): void {
    this.limit = limit
    for (const gate of this.gates.values()) this.admit(gate)
  }

  /** Those who were admitted start. */
  settle(): void {
    for (const entry of this.admitted) if (entry.state === "admitted") this.start(entry)
    this.admitted = []
  }

  wait(millis: number): void {
    this.settle()
    const until = this.now + millis
    for (let next = this.next(until); next !== undefined; next = this.next(until)) {
      this.now = next.due
      if (next.state === "waiting") this.counts.rejectedQueueTimeout++
      else if (next.call.ending === "success") this.counts.successes++
      else this.counts.failures++
      this.leave(next)
      this.settle()
    }
    this.now = until
  }

  total(list: "inside" | "waiting"): number {
    return [...this.gates.values()].reduce((total, gate) => total + gate[list].length, 0)
  }

  private start(entry: Entry): void {
    entry.state = "running"
    this.gateOf(entry.call.key).started.push(entry.call.id)
    this.arrange(entry, entry.call.millis)
  }

  private leave(entry: Entry): void {
    const gate = this.gateOf(entry.call.key)
    entry.state = "gone"
    gate.inside = gate.inside.filter((other) => other !== entry)
    gate.waiting = gate.waiting.filter((other) => other !== entry)
    this.admit(gate)
  }

  private admit(gate: Gate): void {
    while (gate.inside.length < this.limit && gate.waiting.length > 0) {
      const [first, ...others] = gate.waiting
      first!.state = "admitted"
      gate.inside = [...gate.inside, first!]
      gate.waiting = others
      this.admitted = [...this.admitted, first!]
    }
  }

  private arrange(entry: Entry, millis: number): void {
    entry.due = this.now + millis
    entry.order = this.arranged++
  }

  private next(until: number): Entry | undefined {
    return [...this.gates.values()]
      .flatMap((gate) => [...gate.inside, ...gate.waiting])
      .filter(({ due }) => due <= until)
      .toSorted((a, b) => a.due - b.due || a.order - b.order)[0]
  }
}
