import { type Cause, Duration, Effect, Schema } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import { ErrorTraits, ServiceError } from "../../src/index.ts"

const errorCode = "test.failure"

class Busy extends Schema.TaggedError<Busy>()("Busy", {
  queue: Schema.Number,
  retryAfter: Schema.optional(Schema.DurationFromMillis)
}).pipe(
  ErrorTraits.annotate({ errorCode, httpStatus: 503, userMessage: ({ queue }) => `${queue.toFixed()} before you` })
) {
  override get message(): string {
    return `queue ${this.queue}`
  }
}

declare const busy: Busy

describe("a class with traits", () => {
  it("shows them in the type of its instances", () => {
    expectTypeOf(busy).toExtend<ErrorTraits.ErrorTraits>()
    expectTypeOf(busy).toExtend<Cause.YieldableError>()
    expectTypeOf(busy.userMessage).toEqualTypeOf<string>()
    expectTypeOf(busy.category).toEqualTypeOf<ErrorTraits.Category>()
    expectTypeOf(busy.retryAfter).toEqualTypeOf<Duration.Duration | undefined>()
    expectTypeOf(busy.queue).toEqualTypeOf<number>()
    expectTypeOf(busy._tag).toEqualTypeOf<"Busy">()
  })

  it("is constructed, encoded and decoded by its fields alone", () => {
    expectTypeOf(Busy).toBeConstructibleWith({ queue: 1 })
    expectTypeOf(Busy).toBeConstructibleWith({ queue: 1, retryAfter: Duration.seconds(1) })
    expectTypeOf<typeof Busy.Type>().toEqualTypeOf<Busy>()
    expectTypeOf<typeof Busy.Encoded>().toEqualTypeOf<{
      readonly _tag: "Busy"
      readonly queue: number
      readonly retryAfter?: number | undefined
    }>()
    // @ts-expect-error -- a field is missing
    expectTypeOf(Busy).toBeConstructibleWith({})
    type Input = ConstructorParameters<typeof Busy>[0]
    expectTypeOf<keyof Input>().toEqualTypeOf<"_tag" | "queue" | "retryAfter">()
  })

  it("is yielded and caught as its parent would be", () => {
    const failing = Effect.gen(function* () {
      return yield* busy
    })
    expectTypeOf(failing).toEqualTypeOf<Effect.Effect<never, Busy>>()
    const caught = failing.pipe(Effect.catchTag("Busy", (error) => Effect.succeed(error.httpStatus)))
    expectTypeOf(caught).toEqualTypeOf<Effect.Effect<number>>()
  })

  it("knows the fields in functions, data first and data last", () => {
    const Base = Schema.Error<Error>("Base")({ queue: Schema.Number })
    ErrorTraits.annotate(Base, {
      errorCode,
      userMessage: (fields) => {
        expectTypeOf(fields).toEqualTypeOf<{ readonly queue: number }>()
        return undefined
      },
      retryAfter: ({ queue }) => queue
    })
    // @ts-expect-error -- no such field
    Base.pipe(ErrorTraits.annotate({ errorCode, userMessage: ({ cue }) => cue }))
    // @ts-expect-error -- no duration
    Base.pipe(ErrorTraits.annotate({ errorCode, retryAfter: ({ queue }) => `${queue} years` }))
  })
})

describe("a declaration", () => {
  const Base = Schema.TaggedError<Error>()("Base", {})

  it("needs the code, except where it is inherited", () => {
    Base.pipe(ErrorTraits.annotate({ errorCode }))
    // @ts-expect-error -- the code is missing
    Base.pipe(ErrorTraits.annotate({ httpStatus: 503 }))
    // @ts-expect-error -- the code is missing
    ErrorTraits.annotate(Base, {})
    class Child extends Busy.extend<Child>("Child")({ shop: Schema.String }).pipe(
      ErrorTraits.annotate({ userMessage: ({ queue, shop }) => `${queue} in ${shop}` })
    ) {}
    expectTypeOf<Child>().toExtend<Busy>()
    expectTypeOf<Child["shop"]>().toEqualTypeOf<string>()
  })

  it("has no other words", () => {
    // @ts-expect-error -- misspelt
    Base.pipe(ErrorTraits.annotate({ errorCode, userMesage: "Sorry." }))
    // @ts-expect-error -- no category
    Base.pipe(ErrorTraits.annotate({ errorCode, category: "other" }))
    // @ts-expect-error -- no policy
    Base.pipe(ErrorTraits.annotate({ errorCode, retryPolicy: "sometimes" }))
  })

  it("is for errors whose fields do not contradict it", () => {
    const Coded = Schema.TaggedError<Error>()("Coded", { errorCode: Schema.String })
    const Waiting = Schema.TaggedError<Error>()("Waiting", { retryAfter: Schema.Number })
    // @ts-expect-error -- a field has the name of a trait
    Coded.pipe(ErrorTraits.annotate({ errorCode }))
    // @ts-expect-error -- a number is no duration
    Waiting.pipe(ErrorTraits.annotate({ errorCode }))
  })
})

describe("an internal field", () => {
  it("can be given and read, and is not encoded", () => {
    expectTypeOf<ServiceError.Forbidden["detail"]>().toEqualTypeOf<string | undefined>()
    expectTypeOf(ServiceError.Forbidden).toBeConstructibleWith()
    expectTypeOf(ServiceError.Forbidden).toBeConstructibleWith({ detail: "x", cause: undefined })
    expectTypeOf<typeof ServiceError.Forbidden.Encoded>().toEqualTypeOf<{
      readonly _tag: "Forbidden"
      readonly detail?: never
      readonly cause?: never
    }>()
  })
})
