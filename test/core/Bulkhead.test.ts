import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Bulkhead from "../../src/core/Bulkhead.ts"

interface Caller extends Bulkhead.Waiter<Caller> {
  readonly name: string | number
}

const caller = (name: string | number): Caller => ({ name, previous: undefined, next: undefined })

const make = (maxConcurrent: number, maxQueue: number) => {
  const settings: Bulkhead.Settings = { maxConcurrent, maxQueue }
  const state = Bulkhead.initial<Caller>(settings)
  const enqueue = (name: string): Caller | undefined => {
    const waiter = caller(name)
    return Bulkhead.enqueue(state, settings, waiter) ? waiter : undefined
  }
  return { state, enqueue }
}

const release = (state: Bulkhead.State<Caller>) => Bulkhead.release(state)?.name
const resize = (state: Bulkhead.State<Caller>, limit: number) => Bulkhead.resize(state, limit).map(({ name }) => name)

const fill = (state: Bulkhead.State<Caller>): number => {
  let acquired = 0
  while (acquired < 1_000 && Bulkhead.tryAcquire(state)) acquired++
  return acquired
}

describe("permits", () => {
  it("are as many as configured", () => {
    const { state } = make(3, 0)
    expect(fill(state)).toBe(3)
    expect(state.active).toBe(3)
  })

  it("that come back can be taken again", () => {
    const { state } = make(1, 0)
    fill(state)
    expect(release(state)).toBeUndefined()
    expect(state.active).toBe(0)
    expect(fill(state)).toBe(1)
  })

  it("that come back go to the head of the queue, so that nobody overtakes", () => {
    const { enqueue, state } = make(1, 5)
    fill(state)
    enqueue("first")
    enqueue("second")
    expect(release(state)).toBe("first")
    expect(Bulkhead.tryAcquire(state)).toBe(false)
    expect(state).toMatchObject({ active: 1, queue: { length: 1 } })
    expect(release(state)).toBe("second")
    expect(release(state)).toBeUndefined()
    expect(state.active).toBe(0)
  })
})

describe("the queue", () => {
  it("has no place when it has none", () => {
    expect(make(1, 0).enqueue("a")).toBeUndefined()
  })

  it("refuses exactly those beyond its length", () => {
    const { enqueue, state } = make(1, 2)
    expect(["a", "b", "c"].map((waiter) => enqueue(waiter)?.name)).toEqual(["a", "b", undefined])
    expect(state.queue.length).toBe(2)
  })

  it("has a place again for each one who leaves", () => {
    const { enqueue, state } = make(1, 1)
    const ticket = enqueue("a")!
    expect(Bulkhead.leave(state, ticket)).toBe(true)
    expect(enqueue("b")?.name).toBe("b")
  })

  it("is not left twice, nor after the permit has come", () => {
    const { enqueue, state } = make(1, 3)
    fill(state)
    const [first, second] = [enqueue("first")!, enqueue("second")!]
    expect(release(state)).toBe("first")
    expect(Bulkhead.leave(state, first)).toBe(false)
    expect(Bulkhead.leave(state, second)).toBe(true)
    expect(Bulkhead.leave(state, second)).toBe(false)
    expect(state.queue.length).toBe(0)
  })

  it("closes up when one leaves from its middle", () => {
    const { enqueue, state } = make(1, 3)
    fill(state)
    const [, middle] = [enqueue("first"), enqueue("middle")!, enqueue("last")]
    Bulkhead.leave(state, middle)
    expect([release(state), release(state), release(state)]).toEqual(["first", "last", undefined])
  })
})

describe("a new limit", () => {
  it("that is higher admits waiters at once, in their order", () => {
    const { enqueue, state } = make(1, 5)
    fill(state)
    for (const waiter of ["a", "b", "c"]) enqueue(waiter)
    expect(resize(state, 3)).toEqual(["a", "b"])
    expect(state).toMatchObject({ limit: 3, active: 3, queue: { length: 1 } })
  })

  it("that is higher than needed admits all waiters and leaves the rest free", () => {
    const { enqueue, state } = make(1, 5)
    fill(state)
    enqueue("a")
    expect(resize(state, 4)).toEqual(["a"])
    expect(fill(state)).toBe(2)
  })

  it("that is lower admits nobody and takes effect as permits come back", () => {
    const { enqueue, state } = make(3, 5)
    fill(state)
    enqueue("a")
    expect(resize(state, 1)).toEqual([])
    expect(state.active).toBe(3)
    expect([release(state), release(state)]).toEqual([undefined, undefined])
    expect(Bulkhead.tryAcquire(state)).toBe(false)
    expect(release(state)).toBe("a")
    expect(state.active).toBe(1)
  })

  it("of zero stops everybody until it is raised", () => {
    const { enqueue, state } = make(1, 5)
    expect(resize(state, 0)).toEqual([])
    expect(Bulkhead.tryAcquire(state)).toBe(false)
    enqueue("a")
    expect(resize(state, 1)).toEqual(["a"])
  })
})

describe("any sequence of callers", () => {
  const Events = Arbitrary.array(
    Arbitrary.schema(
      Schema.Struct({
        event: Schema.Literals(["arrive", "arrive", "arrive", "release", "release", "leave", "resize"]),
        n: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
      })
    ),
    { maxLength: 150 }
  )
  it.prop(
    "agrees with a list of waiters: in their order, none lost, none admitted twice, never more active than allowed",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
      Events
    ],
    ([maxConcurrent, maxQueue, events]) => {
      const settings = { maxConcurrent, maxQueue }
      const state = Bulkhead.initial<Caller>(settings)
      let limit = maxConcurrent
      let active = 0
      const waiting: Array<Caller> = []
      const gone: Array<Caller> = []
      const nextIn = (): string | number => {
        const ticket = waiting.shift()!
        gone.push(ticket)
        active++
        return ticket.name
      }
      for (const [name, { event, n }] of events.entries()) {
        if (event === "arrive") {
          const isFree = active < limit
          expect(Bulkhead.tryAcquire(state)).toBe(isFree)
          if (isFree) active++
          else {
            const waiter = caller(name)
            expect(Bulkhead.enqueue(state, settings, waiter)).toBe(waiting.length < maxQueue)
            if (waiting.length < maxQueue) waiting.push(waiter)
          }
        } else if (event === "release") {
          if (active === 0) continue
          active--
          expect(release(state)).toBe(active < limit && waiting.length > 0 ? nextIn() : undefined)
        } else if (event === "resize") {
          const before = active
          limit = n
          const places = Math.max(0, limit - active)
          const admitted = Array.from({ length: Math.min(places, waiting.length) }, nextIn)
          expect(resize(state, n)).toEqual(admitted)
          expect(active).toBeLessThanOrEqual(Math.max(before, limit))
        } else if (waiting.length > 0) {
          const [ticket] = waiting.splice(n % waiting.length, 1)
          expect(Bulkhead.leave(state, ticket!)).toBe(true)
          gone.push(ticket!)
        } else if (gone.length > 0) expect(Bulkhead.leave(state, gone[n % gone.length]!)).toBe(false)
        expect([state.limit, state.active, state.queue.length]).toEqual([limit, active, waiting.length])
        if (waiting.length > 0) expect(active).toBeGreaterThanOrEqual(limit)
      }
    },
    { arbitrary: { runs: 500, seed: 7, size: 150 } }
  )
})
