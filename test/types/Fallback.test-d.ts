import { Cause, Effect, Exit, flow, pipe } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import { Fallback, type Policy, ResilienceError, Resilience, type Timeout } from "../../src/index.ts"
import { Busy, Cache, call, Database, safe, type User, type Wrong } from "./support/call.ts"

declare const isBusy: (error: unknown) => error is Busy
declare const isBusyHere: (error: Busy | Wrong) => error is Busy
declare const isDown: (error: unknown) => error is "down"
declare const isLong: (error: Busy | Wrong) => boolean
declare const isAnything: (error: unknown) => boolean

declare const ofAnything: (error: unknown) => typeof plan
declare const ofQueue: (error: { readonly queue: number }) => typeof plan

const plan: Effect.Effect<"plan B", "no plan", Cache> = Effect.as(Cache, "plan B")

describe("orElse", () => {
  it("leaves only the errors of its answer, and needs what both need", () => {
    expectTypeOf(call.pipe(Fallback.orElse(() => plan))).toEqualTypeOf<
      Effect.Effect<User | "plan B", "no plan", Database | Cache>
    >()
    expectTypeOf(Fallback.orElse(call, () => plan)).toEqualTypeOf<
      Effect.Effect<User | "plan B", "no plan", Database | Cache>
    >()
    expectTypeOf(call.pipe(Fallback.orElse(() => Effect.succeed(1)))).toEqualTypeOf<
      Effect.Effect<User | number, never, Database>
    >()
  })

  it("hands over the errors of the effect", () => {
    call.pipe(
      Fallback.orElse((error) => {
        expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
        return plan
      })
    )
    Fallback.orElse(call, (error) => {
      expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
      return plan
    })
    safe.pipe(
      Fallback.orElse((error) => {
        expectTypeOf(error).toEqualTypeOf<never>()
        return plan
      })
    )
  })

  it("needs no registry, whether a service is named or not", () => {
    expectTypeOf(safe.pipe(Fallback.orElse(() => safe, { service: "users" }))).toEqualTypeOf<Effect.Effect<User>>()
    expectTypeOf(Fallback.orElse(safe, () => safe, { service: undefined })).toEqualTypeOf<Effect.Effect<User>>()
  })

  it("with a tag hands over that error and removes it", () => {
    const answered = call.pipe(
      Fallback.orElse(
        (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy>()
          return plan
        },
        { when: "Busy", service: "users" }
      )
    )
    expectTypeOf(answered).toEqualTypeOf<Effect.Effect<User | "plan B", Wrong | "no plan", Database | Cache>>()
    const dataFirst = Fallback.orElse(
      call,
      (error) => {
        expectTypeOf(error).toEqualTypeOf<Busy>()
        return plan
      },
      { when: "Busy" }
    )
    expectTypeOf(dataFirst).toEqualTypeOf<typeof answered>()
  })

  it("with tags hands over these errors and removes them", () => {
    expectTypeOf(call.pipe(Fallback.orElse(() => plan, { when: ["Busy"] }))).toEqualTypeOf<
      Effect.Effect<User | "plan B", Wrong | "no plan", Database | Cache>
    >()
    const both = call.pipe(
      Fallback.orElse(
        (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
          return plan
        },
        { when: ["Busy", "Wrong"] }
      )
    )
    expectTypeOf(both).toEqualTypeOf<Effect.Effect<User | "plan B", "no plan", Database | Cache>>()
    expectTypeOf(Fallback.orElse(call, () => plan, { when: ["Busy", "Wrong"] })).toEqualTypeOf<typeof both>()
  })

  it("with a refinement hands over what it accepts and removes it", () => {
    const answered = call.pipe(
      Fallback.orElse(
        (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy>()
          return plan
        },
        { when: isBusyHere }
      )
    )
    expectTypeOf(answered).toEqualTypeOf<Effect.Effect<User | "plan B", Wrong | "no plan", Database | Cache>>()
    expectTypeOf(Fallback.orElse(call, () => plan, { when: isBusyHere })).toEqualTypeOf<typeof answered>()
  })

  it("takes a refinement of anything, and still knows which errors remain", () => {
    const answered = call.pipe(
      Fallback.orElse(
        (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy>()
          return plan
        },
        { when: isBusy }
      )
    )
    expectTypeOf(answered).toEqualTypeOf<Effect.Effect<User | "plan B", Wrong | "no plan", Database | Cache>>()
    expectTypeOf(Fallback.orElse(call, () => plan, { when: isBusy })).toEqualTypeOf<typeof answered>()
  })

  it("with a refinement of a part of an error hands over that part, and leaves the error", () => {
    const spoken: Effect.Effect<User, string> = Effect.fail("down")
    const answered = spoken.pipe(
      Fallback.orElse(
        (error) => {
          expectTypeOf(error).toEqualTypeOf<"down">()
          return safe
        },
        { when: isDown }
      )
    )
    expectTypeOf(answered).toEqualTypeOf<Effect.Effect<User, string>>()
  })

  it("takes a refinement of a whole family of errors, and removes those that are of it", () => {
    const guarded = call.pipe(Resilience.protect("users"))
    const answered = guarded.pipe(
      Fallback.orElse(
        (error) => {
          expectTypeOf(error).toEqualTypeOf<Resilience.Rejections>()
          return Effect.succeed(error.userMessage)
        },
        { when: ResilienceError.isResilienceError }
      )
    )
    expectTypeOf(answered).toEqualTypeOf<
      Effect.Effect<User | string, Busy | Wrong, Database | Policy.ResilienceRegistry>
    >()
  })

  it("with a predicate hands over every error and removes none", () => {
    const answered = call.pipe(
      Fallback.orElse(
        (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
          return plan
        },
        { when: isLong }
      )
    )
    expectTypeOf(answered).toEqualTypeOf<Effect.Effect<User | "plan B", Busy | Wrong | "no plan", Database | Cache>>()
    expectTypeOf(call.pipe(Fallback.orElse(() => plan, { when: isAnything }))).toEqualTypeOf<typeof answered>()
    expectTypeOf(Fallback.orElse(call, () => plan, { when: isLong })).toEqualTypeOf<typeof answered>()
  })

  it("gives a predicate the errors of the effect", () => {
    call.pipe(
      Fallback.orElse(() => plan, {
        when: (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
          return true
        }
      })
    )
    Fallback.orElse(call, () => plan, {
      when: (error) => {
        expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
        return true
      }
    })
  })

  it("understands a predicate that tells errors apart, unless the answer's parameter has to be inferred first", () => {
    expectTypeOf(call.pipe(Fallback.orElse(() => plan, { when: (error) => error._tag === "Busy" }))).toEqualTypeOf<
      Effect.Effect<User | "plan B", Wrong | "no plan", Database | Cache>
    >()
    expectTypeOf(
      call.pipe(
        Fallback.orElse(
          (error) => {
            expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
            return plan
          },
          { when: (error) => error._tag === "Busy" }
        )
      )
    ).toEqualTypeOf<Effect.Effect<User | "plan B", Busy | Wrong | "no plan", Database | Cache>>()
    expectTypeOf(
      Fallback.orElse(call, (error) => Effect.succeed(error._tag), { when: (error) => error._tag === "Busy" })
    ).toEqualTypeOf<Effect.Effect<User | "Busy" | "Wrong", Busy | Wrong, Database>>()
  })

  it("takes an answer that would take more than the errors it gets", () => {
    type WrongRemains = Effect.Effect<User | "plan B", Wrong | "no plan", Database | Cache>
    expectTypeOf(call.pipe(Fallback.orElse(ofAnything, { when: "Busy" }))).toEqualTypeOf<WrongRemains>()
    expectTypeOf(call.pipe(Fallback.orElse(ofQueue, { when: ["Busy"] }))).toEqualTypeOf<WrongRemains>()
    expectTypeOf(call.pipe(Fallback.orElse(ofQueue, { when: isBusy }))).toEqualTypeOf<WrongRemains>()
    expectTypeOf(Fallback.orElse(call, ofAnything, { when: "Busy" })).toEqualTypeOf<WrongRemains>()
    expectTypeOf(call.pipe(Fallback.orElse(ofAnything))).toEqualTypeOf<
      Effect.Effect<User | "plan B", "no plan", Database | Cache>
    >()
  })

  it("removes nothing when it is not known which errors it answers", () => {
    type AllRemain = Effect.Effect<User, Busy | Wrong, Database>
    const when: Fallback.When<Busy | Wrong> = isLong as Fallback.When<Busy | Wrong>
    const tag = "Busy" as "Busy" | "Wrong"
    const tags: ReadonlyArray<"Busy" | "Wrong"> = []
    expectTypeOf(call.pipe(Fallback.orElse(() => safe, { when }))).toEqualTypeOf<AllRemain>()
    expectTypeOf(call.pipe(Fallback.orElse(() => safe, { when: tag }))).toEqualTypeOf<AllRemain>()
    expectTypeOf(call.pipe(Fallback.orElse(() => safe, { when: tags }))).toEqualTypeOf<AllRemain>()
    expectTypeOf(call.pipe(Fallback.orElse(() => safe, { when: [tag] }))).toEqualTypeOf<AllRemain>()
    expectTypeOf(call.pipe(Fallback.orElse(() => safe, { when: [] }))).toEqualTypeOf<AllRemain>()
    expectTypeOf(call.pipe(Fallback.orElse(() => safe, { when: [tag, "Busy"] }))).toEqualTypeOf<
      Effect.Effect<User, Wrong, Database>
    >()
    call.pipe(
      Fallback.orElse(
        (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
          return safe
        },
        { when: tag }
      )
    )
  })

  it("rejects tags that the errors do not have", () => {
    call.pipe(
      Fallback.orElse(() => plan, {
        // @ts-expect-error -- no such tag
        when: "Nope"
      })
    )
    // @ts-expect-error -- no such tag
    call.pipe(Fallback.orElse(() => plan, { when: ["Busy", "Nope"] }))
    // @ts-expect-error -- no such tag
    Fallback.orElse(call, () => plan, { when: "Nope" })
    // @ts-expect-error -- no such tag
    Fallback.orElse(call, () => plan, { when: ["Busy", "Nope"] })
    // @ts-expect-error -- no error at all
    safe.pipe(Fallback.orElse(() => plan, { when: "Busy" }))
    const elsewhere = { when: "Nope", service: "users" } as const
    // @ts-expect-error -- no such tag, wherever it is written
    call.pipe(Fallback.orElse(() => plan, elsewhere))
    // @ts-expect-error -- no such tag, wherever it is written
    Fallback.orElse(call, () => plan, elsewhere)
  })

  it("rejects what is no option, no effect and no function", () => {
    call.pipe(
      Fallback.orElse(() => plan, {
        // @ts-expect-error -- no such option
        servise: "users"
      })
    )
    // @ts-expect-error -- the answer is an effect
    call.pipe(Fallback.orElse(() => "plan B"))
    // @ts-expect-error -- the answer is a function
    call.pipe(Fallback.orElse(plan))
    // @ts-expect-error -- the answer does not take every error
    call.pipe(Fallback.orElse((error: Busy) => Effect.succeed(error.queue)))
    // @ts-expect-error -- a predicate of other errors
    call.pipe(Fallback.orElse(() => plan, { when: (error: string) => error === "down" }))
  })

  it("keeps the errors of a generic effect", () => {
    const withDefault = <A, E, R>(self: Effect.Effect<A, E, R>) => self.pipe(Fallback.orElse(() => plan))
    expectTypeOf(withDefault(call)).toEqualTypeOf<Effect.Effect<User | "plan B", "no plan", Database | Cache>>()
    const whenBusy = <A, E, R>(self: Effect.Effect<A, E | Busy, R>) =>
      self.pipe(Fallback.orElse((busy) => Effect.succeed(busy), { when: isBusy }))
    expectTypeOf(whenBusy(call)).toExtend<Effect.Effect<User | Busy, Wrong, Database>>()
  })
})

describe("orElseSucceed", () => {
  it("leaves no error", () => {
    expectTypeOf(call.pipe(Fallback.orElseSucceed(() => null))).toEqualTypeOf<
      Effect.Effect<User | null, never, Database>
    >()
    expectTypeOf(Fallback.orElseSucceed(call, () => undefined)).toEqualTypeOf<
      Effect.Effect<User | undefined, never, Database>
    >()
    expectTypeOf(safe.pipe(Fallback.orElseSucceed(() => 0, { service: "users" }))).toEqualTypeOf<
      Effect.Effect<User | number>
    >()
  })

  it("hands over the errors that it answers, and removes them", () => {
    const byTag = call.pipe(
      Fallback.orElseSucceed(
        (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy>()
          return error.queue
        },
        { when: "Busy" }
      )
    )
    expectTypeOf(byTag).toEqualTypeOf<Effect.Effect<User | number, Wrong, Database>>()
    expectTypeOf(Fallback.orElseSucceed(call, ({ queue }) => queue, { when: ["Busy"] })).toEqualTypeOf<typeof byTag>()
    expectTypeOf(Fallback.orElseSucceed(call, ({ queue }) => queue, { when: isBusy })).toEqualTypeOf<typeof byTag>()
    expectTypeOf(call.pipe(Fallback.orElseSucceed((error) => error, { when: isLong }))).toEqualTypeOf<
      Effect.Effect<User | Busy | Wrong, Busy | Wrong, Database>
    >()
  })

  it("rejects tags that the errors do not have", () => {
    call.pipe(
      Fallback.orElseSucceed(() => 0, {
        // @ts-expect-error -- no such tag
        when: "Nope"
      })
    )
    // @ts-expect-error -- no such tag
    Fallback.orElseSucceed(call, () => 0, { when: ["Nope"] })
  })
})

describe("chain", () => {
  const first: Effect.Effect<1, "first", Cache> = Effect.as(Cache, 1)
  const second: Effect.Effect<2, "second"> = Effect.succeed(2)

  it("has the values of all effects, the error of the last, and needs what all need", () => {
    expectTypeOf(call.pipe(Fallback.chain([first, second]))).toEqualTypeOf<
      Effect.Effect<User | 1 | 2, "second", Database | Cache>
    >()
    expectTypeOf(Fallback.chain(call, [second, first], { service: "users" })).toEqualTypeOf<
      Effect.Effect<User | 1 | 2, "first", Database | Cache>
    >()
    expectTypeOf(call.pipe(Fallback.chain([first, safe]))).toEqualTypeOf<
      Effect.Effect<User | 1, never, Database | Cache>
    >()
  })

  it("has the errors of all effects of a list of unknown length", () => {
    const list: readonly [typeof first, ...ReadonlyArray<typeof second>] = [first, second]
    expectTypeOf(call.pipe(Fallback.chain(list))).toEqualTypeOf<
      Effect.Effect<User | 1 | 2, "first" | "second", Database | Cache>
    >()
  })

  it("rejects an empty list, what is no effect, and a condition", () => {
    // @ts-expect-error -- nothing to try
    call.pipe(Fallback.chain([]))
    // @ts-expect-error -- not an effect
    call.pipe(Fallback.chain(["plan B"]))
    call.pipe(
      Fallback.chain([second], {
        // @ts-expect-error -- a chain answers every error
        when: "Busy"
      })
    )
    const elsewhere = { when: "Busy", service: "users" } as const
    // @ts-expect-error -- a chain answers every error
    call.pipe(Fallback.chain([second], elsewhere))
  })
})

describe("cached and stale", () => {
  const users = {} as Fallback.Cache<User>

  it("change no type: a miss is the original error", () => {
    expectTypeOf(call.pipe(Fallback.cached(users, "ada"))).toEqualTypeOf<typeof call>()
    expectTypeOf(Fallback.cached(call, users, "ada")).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(Fallback.stale(users, "ada", { maxAge: "1 minute" }))).toEqualTypeOf<typeof call>()
    expectTypeOf(Fallback.stale(call, users, "ada", { maxAge: 1_000 })).toEqualTypeOf<typeof call>()
  })

  it("widen a value to that of the cache", () => {
    const names = {} as Fallback.Cache<string>
    const literal: Effect.Effect<"Ada", Busy> = Effect.succeed("Ada")
    expectTypeOf(literal.pipe(Fallback.cached(names, "ada"))).toEqualTypeOf<Effect.Effect<string, Busy>>()
    expectTypeOf(Fallback.cached(literal, names, "ada")).toEqualTypeOf<Effect.Effect<string, Busy>>()
    expectTypeOf(Fallback.stale(literal, names, "ada", { maxAge: 1 })).toEqualTypeOf<Effect.Effect<string, Busy>>()
  })

  it("reject a cache of other values, and a call without a key or an age", () => {
    const numbers = {} as Fallback.Cache<number>
    const names = {} as Fallback.Cache<{ readonly name: "Ada" }>
    // @ts-expect-error -- numbers are no users
    call.pipe(Fallback.cached(numbers, "ada"))
    // @ts-expect-error -- numbers are no users
    Fallback.cached(call, numbers, "ada")
    // @ts-expect-error -- not every user fits
    call.pipe(Fallback.cached(names, "ada"))
    // @ts-expect-error -- numbers are no users
    call.pipe(Fallback.stale(numbers, "ada", { maxAge: "1 minute" }))
    // @ts-expect-error -- no age
    call.pipe(Fallback.stale(users, "ada", {}))
    // @ts-expect-error -- no duration
    call.pipe(Fallback.stale(users, "ada", { maxAge: "soon" }))
    // @ts-expect-error -- no key
    call.pipe(Fallback.cached(users))
    // @ts-expect-error -- a cache is no set of options
    call.pipe(Fallback.cached({ capacity: 10 }, "ada"))
  })

  it("take a cache that is made with its values' type", () => {
    expectTypeOf(Fallback.makeCache<User>()).toEqualTypeOf<Effect.Effect<Fallback.Cache<User>>>()
    Fallback.makeCache<User>({ service: "users", capacity: 10, timeToLive: "1 minute" })
    // @ts-expect-error -- no such option
    Fallback.makeCache<User>({ ttl: "1 minute" })
  })

  it("keep the types of a generic effect", () => {
    const remembered = <A, E, R>(self: Effect.Effect<A, E, R>, cache: Fallback.Cache<A>) =>
      self.pipe(Fallback.cached(cache, "key"))
    expectTypeOf(remembered(call, users)).toEqualTypeOf<typeof call>()
  })
})

describe("failOpen and failClosed", () => {
  const allowed: Effect.Effect<boolean, Busy | Wrong, Database> = Effect.as(Database, true)
  type Answered = Effect.Effect<boolean, never, Database>
  type WrongRemains = Effect.Effect<boolean, Wrong, Database>
  type AllRemain = Effect.Effect<boolean, Busy | Wrong, Database>

  it("leave no error, as functions of their own and with options", () => {
    expectTypeOf(allowed.pipe(Fallback.failOpen)).toEqualTypeOf<Answered>()
    expectTypeOf(allowed.pipe(Fallback.failClosed)).toEqualTypeOf<Answered>()
    expectTypeOf(pipe(allowed, Fallback.failOpen)).toEqualTypeOf<Answered>()
    expectTypeOf(Fallback.failOpen(allowed)).toEqualTypeOf<Answered>()
    expectTypeOf(allowed.pipe(Fallback.failOpen({ service: "openfga" }))).toEqualTypeOf<Answered>()
    expectTypeOf(Fallback.failClosed(allowed, { service: "openfga" })).toEqualTypeOf<Answered>()
    const chosen: Fallback.CallOptions = {}
    expectTypeOf(allowed.pipe(Fallback.failOpen(chosen))).toEqualTypeOf<Answered>()
    expectTypeOf(Fallback.failOpen(allowed, chosen)).toEqualTypeOf<Answered>()
  })

  it("can be composed before there is an effect", () => {
    const check = flow((user: string) => (user === "root" ? allowed : allowed), Fallback.failClosed)
    expectTypeOf(check).toEqualTypeOf<(user: string) => Answered>()
    const failOpen = Fallback.failOpen({ service: "openfga" })
    expectTypeOf(allowed.pipe(failOpen)).toEqualTypeOf<Answered>()
  })

  it("remove the errors that they answer", () => {
    expectTypeOf(allowed.pipe(Fallback.failOpen({ when: "Busy" }))).toEqualTypeOf<WrongRemains>()
    expectTypeOf(allowed.pipe(Fallback.failOpen({ when: ["Busy"], service: "openfga" }))).toEqualTypeOf<WrongRemains>()
    expectTypeOf(allowed.pipe(Fallback.failOpen({ when: ["Busy", "Wrong"] }))).toEqualTypeOf<Answered>()
    expectTypeOf(allowed.pipe(Fallback.failOpen({ when: isBusy }))).toEqualTypeOf<WrongRemains>()
    expectTypeOf(allowed.pipe(Fallback.failOpen({ when: isBusyHere }))).toEqualTypeOf<WrongRemains>()
    expectTypeOf(
      allowed.pipe(Fallback.failOpen({ when: (error) => error._tag === "Busy" }))
    ).toEqualTypeOf<WrongRemains>()
    expectTypeOf(allowed.pipe(Fallback.failOpen({ when: isLong }))).toEqualTypeOf<AllRemain>()
    expectTypeOf(allowed.pipe(Fallback.failOpen({ when: undefined }))).toEqualTypeOf<Answered>()
    expectTypeOf(Fallback.failOpen(allowed, { when: "Busy" })).toEqualTypeOf<WrongRemains>()
    expectTypeOf(Fallback.failOpen(allowed, { when: ["Busy"] })).toEqualTypeOf<WrongRemains>()
    expectTypeOf(Fallback.failOpen(allowed, { when: isBusy })).toEqualTypeOf<WrongRemains>()
    expectTypeOf(Fallback.failOpen(allowed, { when: (error) => error._tag === "Busy" })).toEqualTypeOf<WrongRemains>()
    expectTypeOf(Fallback.failOpen(allowed, { when: isLong })).toEqualTypeOf<AllRemain>()
    expectTypeOf(Fallback.failOpen(allowed, { when: undefined })).toEqualTypeOf<Answered>()
  })

  it("give a predicate the errors of the effect", () => {
    allowed.pipe(
      Fallback.failOpen({
        when: (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
          return true
        }
      })
    )
    Fallback.failOpen(allowed, {
      when: (error) => {
        expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
        return true
      }
    })
  })

  it("can answer either way, even for an effect that says one thing only", () => {
    const always: Effect.Effect<true, Busy> = Effect.succeed(true)
    expectTypeOf(always.pipe(Fallback.failClosed)).toEqualTypeOf<Effect.Effect<boolean>>()
  })

  it("keep the errors and needs of a generic effect", () => {
    const open = <E, R>(self: Effect.Effect<boolean, E, R>) => self.pipe(Fallback.failOpen)
    expectTypeOf(open(allowed)).toEqualTypeOf<Answered>()
    const openFirst = <E, R>(self: Effect.Effect<boolean, E, R>) => Fallback.failOpen(self, { service: "openfga" })
    expectTypeOf(openFirst(allowed)).toEqualTypeOf<Answered>()
    const whenBusy = <E, R>(self: Effect.Effect<boolean, E | Busy, R>) => self.pipe(Fallback.failOpen({ when: isBusy }))
    expectTypeOf(whenBusy(allowed)).toExtend<Effect.Effect<boolean, Wrong, Database>>()
  })

  it("reject other values, unknown tags and unknown options", () => {
    // @ts-expect-error -- a user is no decision
    call.pipe(Fallback.failOpen)
    // @ts-expect-error -- a user is no decision
    call.pipe(Fallback.failOpen({ service: "openfga" }))
    // @ts-expect-error -- a user is no decision
    Fallback.failClosed(call)
    // @ts-expect-error -- no such tag
    allowed.pipe(Fallback.failOpen({ when: "Nope" }))
    // @ts-expect-error -- no such tag
    allowed.pipe(Fallback.failOpen({ when: ["Busy", "Nope"] }))
    // @ts-expect-error -- no such tag
    Fallback.failOpen(allowed, { when: "Nope" })
    // @ts-expect-error -- no such option
    allowed.pipe(Fallback.failOpen({ servise: "openfga" }))
    // @ts-expect-error -- no such option
    Fallback.failOpen(allowed, { servise: "openfga" })
    const elsewhere = { when: "Nope", service: "users" } as const
    // @ts-expect-error -- no such tag, wherever it is written
    allowed.pipe(Fallback.failOpen(elsewhere))
    // @ts-expect-error -- no such tag, wherever it is written
    Fallback.failOpen(allowed, elsewhere)
  })
})

describe("orEmpty", () => {
  const users: Effect.Effect<ReadonlyArray<User>, Busy | Wrong, Database> = Effect.as(Database, [])

  it("keeps the type of the array", () => {
    type Answered = Effect.Effect<ReadonlyArray<User>, never, Database>
    expectTypeOf(users.pipe(Fallback.orEmpty)).toEqualTypeOf<Answered>()
    expectTypeOf(Fallback.orEmpty(users)).toEqualTypeOf<Answered>()
    expectTypeOf(users.pipe(Fallback.orEmpty({ service: "users" }))).toEqualTypeOf<Answered>()
    const mutable: Effect.Effect<Array<User>, Busy> = Effect.succeed([])
    expectTypeOf(mutable.pipe(Fallback.orEmpty)).toEqualTypeOf<Effect.Effect<Array<User>>>()
  })

  it("tells that an array that is never empty may be so now", () => {
    const pair: Effect.Effect<readonly [User, User], Busy> = Effect.fail(new Busy({ queue: 1 }))
    expectTypeOf(pair.pipe(Fallback.orEmpty)).toEqualTypeOf<Effect.Effect<readonly [User, User] | Array<never>>>()
  })

  it("keeps the type of a generic array", () => {
    const found = <A, E>(self: Effect.Effect<ReadonlyArray<A>, E>) => self.pipe(Fallback.orEmpty)
    expectTypeOf(found(Effect.succeed([1]))).toEqualTypeOf<Effect.Effect<ReadonlyArray<number>>>()
  })

  it("removes the errors that it answers, and rejects what is no array", () => {
    expectTypeOf(users.pipe(Fallback.orEmpty({ when: "Busy" }))).toEqualTypeOf<
      Effect.Effect<ReadonlyArray<User>, Wrong, Database>
    >()
    // @ts-expect-error -- not an array
    call.pipe(Fallback.orEmpty)
    // @ts-expect-error -- not an array
    Fallback.orEmpty(Effect.succeed("text"))
  })
})

describe("make", () => {
  it("makes a fallback with the types of its answer", () => {
    const made = Fallback.make(() => plan)
    expectTypeOf(made).toEqualTypeOf<Effect.Effect<Fallback.Fallback<"plan B", "no plan", Cache>>>()
    const fallback = Fallback.makeUnsafe((error) => {
      expectTypeOf(error).toEqualTypeOf<unknown>()
      return plan
    })
    expectTypeOf(call.pipe(fallback.execute)).toEqualTypeOf<
      Effect.Effect<User | "plan B", "no plan", Database | Cache>
    >()
  })
})

describe("effects that are exits, and errors of Effect itself", () => {
  it("are answered like others", () => {
    const exit: Exit.Exit<number, Busy> = Exit.fail(new Busy({ queue: 1 }))
    expectTypeOf(exit.pipe(Fallback.orElseSucceed(() => 0))).toEqualTypeOf<Effect.Effect<number>>()
    const limited: Effect.Effect<User, Wrong | Cause.TimeoutError | Timeout.TimeoutExceededError> = Effect.succeed(
      {} as User
    )
    expectTypeOf(limited.pipe(Fallback.orElseSucceed(() => null, { when: Cause.isTimeoutError }))).toEqualTypeOf<
      Effect.Effect<User | null, Wrong | Timeout.TimeoutExceededError>
    >()
  })
})
