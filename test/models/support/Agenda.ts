/**
 * What will happen and when, in a model: at the same instant, in the order in which it was arranged, as under `TestClock`.
 */
export interface Entry {
  readonly due: number
  readonly action: () => void
}

export class Agenda {
  now = 0
  private entries: ReadonlyArray<Entry> = []

  /** Arranges an action; what takes no time happens now. */
  after(millis: number, action: () => void): Entry | undefined {
    if (millis <= 0) {
      action()
      return undefined
    }
    const entry: Entry = { due: this.now + millis, action }
    this.entries = [...this.entries, entry]
    return entry
  }

  cancel(entry: Entry | undefined): void {
    this.entries = this.entries.filter((other) => other !== entry)
  }

  advance(millis: number): void {
    const until = this.now + millis
    for (let next = this.next(until); next !== undefined; next = this.next(until)) {
      this.cancel(next)
      this.now = next.due
      next.action()
    }
    this.now = until
  }

  private next(until: number): Entry | undefined {
    return this.entries.filter(({ due }) => due <= until).toSorted((one, other) => one.due - other.due)[0]
  }
}
