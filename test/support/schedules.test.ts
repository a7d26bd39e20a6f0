import { afterEach, describe, expect, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { explore, type Program, type Tools } from "./schedules.ts"

const turn = (happens: () => void) => Effect.andThen(Effect.yieldNow, Effect.sync(happens))

/** What a program tells of its state. */
type StateOf = (taken: ReadonlyArray<number>) => string

/** Three fibers with three turns each. */
const threeFibers = (stateOf?: StateOf) => (): Program => {
  const taken = [0, 0, 0]
  const step = (fiber: number) => Effect.sync(() => taken[fiber]!++)
  const program: Program = {
    fibers: taken.map((_, fiber) =>
      Effect.andThen(
        step(fiber),
        Effect.andThen(
          turn(() => taken[fiber]!++),
          turn(() => taken[fiber]!++)
        )
      )
    ),
    always: () => {},
    finally: () => expect(taken).toEqual([3, 3, 3])
  }
  return stateOf === undefined ? program : { ...program, state: () => stateOf(taken) }
}

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, number) => total + number, 0)

/** A lock that looks first and takes afterwards. */
const lock = ({ note }: Tools): Program => {
  let isFree = true
  let inside = 0
  const enter = (fiber: number) =>
    Effect.suspend(() => {
      if (!isFree) return Effect.void
      note(`${fiber} looks`)
      return Effect.andThen(
        turn(() => {
          isFree = false
          inside++
        }),
        turn(() => {
          isFree = true
          inside--
        })
      )
    })
  return {
    fibers: [enter(0), enter(1)],
    always: () => {
      if (inside > 1) throw new Error("two are inside")
    },
    finally: () => {}
  }
}

const failureOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return String(error)
  }
  throw new Error("nothing fails")
}

afterEach(() => void vi.unstubAllEnvs())

describe("schedules", () => {
  it("are all run", () => expect(explore(threeFibers())).toEqual({ schedules: 1_680n, runs: 1_680, states: 0 }))

  it("go on from each state once, and are all counted", () => {
    const explored = explore(threeFibers((taken) => taken.join(" ")))
    expect(explored).toMatchObject({ schedules: 1_680n, states: 4 ** 3 })
    expect(explored.runs).toBeLessThan(100)
  })

  it("are the same for fibers that do the same", () => {
    expect(explore(threeFibers((taken) => taken.toSorted().join(" ")))).toMatchObject({ schedules: 1_680n, states: 20 })
  })

  it("show that a state tells too little", () => {
    const tooLittle: StateOf = (taken) => String(sum(taken) > 3 ? taken[0] : taken.join(" "))
    expect(() => explore(threeFibers(tooLittle), { visits: 2 })).toThrow("what follows depends on more than this")
  })

  it("find a race, and show it again", () => {
    const failure = failureOf(() => explore(lock))
    expect(failure).toContain("two are inside\n0 looks, 1 looks\nSCHEDULE=")
    vi.stubEnv("SCHEDULE", failure.match(/SCHEDULE="(.*)"/)![1])
    expect(failureOf(() => explore(lock))).toBe(failure)
  })

  it("find a fiber that nobody wakes", () => {
    const hangs = (): Program => ({ fibers: [Effect.never], always: () => {}, finally: () => {} })
    expect(() => explore(hangs)).toThrow("a fiber waits for ever")
  })
})
