import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Classifier, ErrorTraits, ResilienceError } from "../../src/index.ts"

class Busy extends Schema.TaggedError<Busy>()("Busy", {
  queue: Schema.Number,
  wait: Schema.optional(Schema.Number)
}).pipe(
  ErrorTraits.annotate({
    errorCode: "shop.busy",
    httpStatus: 503,
    retryAfter: ({ wait }) => wait,
    userMessage: ({ queue }) => (queue > 100 ? undefined : `There are ${queue} before you.`)
  })
) {
  override get message(): string {
    return `the queue has ${this.queue}`
  }
}

/** The traits of a class that declares these. */
const traitsOf = (declaration: ErrorTraits.Declaration<unknown>) => {
  class Plain extends Schema.TaggedError<Plain>()("Plain", {}).pipe(ErrorTraits.annotate(declaration)) {}
  const { category, errorCode, httpStatus, retryAfter, retryPolicy, userMessage } = new Plain()
  return { category, errorCode, httpStatus, retryAfter, retryPolicy, userMessage }
}

const errorCode = "test.failure"

describe("a class with traits", () => {
  const busy = new Busy({ queue: 3, wait: 1500 })

  it("has them in its instances, and in none of their own properties", () => {
    expect(ErrorTraits.hasTraits(busy)).toBe(true)
    expect(busy).toMatchObject({ errorCode: "shop.busy", httpStatus: 503, category: "server_error" })
    expect(busy.retryPolicy).toBe("always")
    expect(Object.keys(busy)).toEqual(["_tag", "queue", "wait"])
  })

  it("works some of them out from the fields of each error", () => {
    expect(busy.userMessage).toBe("There are 3 before you.")
    expect(busy.retryAfter).toEqual(Duration.millis(1500))
    expect(new Busy({ queue: 5 }).userMessage).toBe("There are 5 before you.")
    expect(new Busy({ queue: 5 }).retryAfter).toBeUndefined()
  })

  it("has the default message where a function gives none, and no hint where it gives no duration", () => {
    expect(new Busy({ queue: 200 }).userMessage).toBe("Something went wrong on our side. Please try again later.")
    class Odd extends Schema.TaggedError<Odd>()("Odd", {}).pipe(
      ErrorTraits.annotate({ errorCode, retryAfter: () => "soon" as never })
    ) {}
    expect(new Odd().retryAfter).toBeUndefined()
  })

  it("is still a class of errors", () => {
    expect(busy).toBeInstanceOf(Busy)
    expect(busy).toBeInstanceOf(Error)
    expect(busy.name).toBe("Busy")
    expect(String(busy)).toBe("Busy: the queue has 3")
    expect(Cause.pretty(Cause.fail(busy))).toContain("Busy: the queue has 3")
    expect(busy.stack).toContain("ErrorTraits.test.ts")
  })

  it.effect("is still yielded and caught by its tag", () =>
    Effect.gen(function* () {
      const failing = Effect.gen(function* () {
        return yield* busy
      })
      expect(yield* Effect.exit(failing)).toEqual(Exit.fail(busy))
      expect(yield* Effect.catchTag(failing, "Busy", ({ queue }) => Effect.succeed(queue))).toBe(3)
    })
  )

  it("is still a schema: fields are checked, and the traits are no part of the encoding", () => {
    expect(() => new Busy({ queue: "3" as never })).toThrow()
    expect(Schema.encodeSync(Busy)(busy)).toEqual({ _tag: "Busy", queue: 3, wait: 1500 })
    expect(Object.keys(Busy.fields)).toEqual(["_tag", "queue", "wait"])
    expect(Busy.identifier).toBe("Busy")
    expect(Busy.make({ queue: 1 })).toBeInstanceOf(Busy)
    expect(Busy.ast).toBe(Busy.ast)
  })

  it("has its traits again where it was decoded", () => {
    const codec = Schema.toCodecJson(Busy)
    const back = Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(busy))))
    expect(back).toBeInstanceOf(Busy)
    expect(back.userMessage).toBe(busy.userMessage)
    expect(Classifier.classify(back, 0)).toEqual(Classifier.classify(busy, 0))
    expect(Classifier.classify(back, 0)).toEqual({ kind: "retryable", retryAfter: Duration.millis(1500) })
  })

  it("is answered by HttpApi with its status", () => {
    const endpoint = HttpApiEndpoint.get("get", "/", { error: [Busy, Busy.annotate({ description: "busy" })] })
    const api = HttpApi.make("api").add(HttpApiGroup.make("group").add(endpoint))
    expect(Object.keys(OpenApi.fromApi(api).paths["/"]?.get?.responses ?? {})).toEqual(["204", "503"])
  })

  it("can override a trait as one overrides a getter", () => {
    class Loud extends Schema.TaggedError<Loud>()("Loud", { text: Schema.String }).pipe(
      ErrorTraits.annotate({ errorCode })
    ) {
      override get userMessage(): string {
        return this.text.toUpperCase()
      }
    }
    expect(new Loud({ text: "hey" }).userMessage).toBe("HEY")
  })

  it("can be made data first, and without a tag", () => {
    class Untagged extends ErrorTraits.annotate(Schema.Error<Untagged>("Untagged")({}), { errorCode }) {}
    expect(new Untagged().errorCode).toBe(errorCode)
  })

  it("shares nothing that one could change for all", () => {
    Object.assign(new Busy({ queue: 1 }), { errorCode: "changed" })
    expect(busy.errorCode).toBe("shop.busy")
  })

  it("leaves the class alone that it was made from", () => {
    class Base extends Schema.TaggedError<Base>()("Base", {}) {}
    ErrorTraits.annotate(Base, { errorCode })
    expect(ErrorTraits.hasTraits(new Base())).toBe(false)
  })
})

describe("traits that are fields", () => {
  class Limited extends Schema.TaggedError<Limited>()("Limited", {
    retryAfter: Schema.optional(Schema.DurationFromMillis),
    userMessage: Schema.optional(Schema.String)
  }).pipe(ErrorTraits.annotate({ errorCode, httpStatus: 429 })) {}

  it("are those of the error", () => {
    const limited = new Limited({ retryAfter: Duration.seconds(4), userMessage: "Slowly." })
    expect(Classifier.classify(limited, 0)).toEqual({ kind: "rate-limited", retryAfter: Duration.seconds(4) })
    expect(limited.userMessage).toBe("Slowly.")
    expect(Schema.encodeSync(Limited)(limited)).toEqual({ _tag: "Limited", retryAfter: 4000, userMessage: "Slowly." })
  })

  it("have the defaults where they are missing", () => {
    expect(new Limited().retryAfter).toBeUndefined()
    expect(new Limited().userMessage).toBe("Too many requests. Please wait a moment and try again.")
  })
})

describe("a class made from one with traits", () => {
  class Child extends Busy.extend<Child>("Child")({ shop: Schema.String }) {}
  class Gone extends Busy.extend<Gone>("Gone")({ shop: Schema.String }).pipe(
    ErrorTraits.annotate({ httpStatus: 410, userMessage: ({ queue, shop }) => `${shop} left ${queue}.` })
  ) {}
  class Grandchild extends Gone.extend<Grandchild>("Grandchild")({}).pipe(
    ErrorTraits.annotate({ errorCode: "shop.moved" })
  ) {}

  it("inherits them, the status of HttpApi included", () => {
    const child = new Child({ queue: 1, shop: "books" })
    expect(child).toBeInstanceOf(Busy)
    expect([Child.identifier, Gone.identifier]).toEqual(["Child", "Gone"])
    expect(child).toMatchObject({ errorCode: "shop.busy", httpStatus: 503, userMessage: "There are 1 before you." })
    const endpoint = HttpApiEndpoint.get("get", "/", { error: Child })
    const api = HttpApi.make("api").add(HttpApiGroup.make("group").add(endpoint))
    expect(Object.keys(OpenApi.fromApi(api).paths["/"]?.get?.responses ?? {})).toEqual(["204", "503"])
  })

  it("replaces single ones, and what follows from them", () => {
    const gone = new Gone({ queue: 1, shop: "books", wait: 5 })
    expect(gone).toMatchObject({ errorCode: "shop.busy", httpStatus: 410, category: "client_error" })
    expect(gone).toMatchObject({ retryPolicy: "never", userMessage: "books left 1.", retryAfter: Duration.millis(5) })
    expect(new Grandchild({ queue: 1, shop: "books" })).toMatchObject({ errorCode: "shop.moved", httpStatus: 410 })
  })

  it("is decoded as itself", () => {
    const decoded = Schema.decodeUnknownSync(Grandchild)({ _tag: "Busy", queue: 1, shop: "books" })
    expect(decoded).toBeInstanceOf(Grandchild)
    expect(decoded.errorCode).toBe("shop.moved")
  })
})

describe("what is not declared", () => {
  it.each([
    [400, "client_error", "never"],
    [401, "auth_error", "never"],
    [403, "auth_error", "never"],
    [404, "client_error", "never"],
    [408, "client_error", "always"],
    [425, "client_error", "always"],
    [429, "rate_limit", "conditional"],
    [500, "server_error", "never"],
    [501, "server_error", "never"],
    [502, "external_error", "always"],
    [503, "server_error", "always"],
    [504, "external_error", "always"],
    [529, "external_error", "always"]
  ] as const)("follows from the status: %d", (httpStatus, category, retryPolicy) => {
    expect(traitsOf({ errorCode, httpStatus })).toMatchObject({ errorCode, httpStatus, category, retryPolicy })
  })

  it.each([
    [undefined, 500],
    ["client_error", 400],
    ["auth_error", 401],
    ["rate_limit", 429],
    ["server_error", 500],
    ["external_error", 503]
  ] as const)("follows from the category: %s", (category, httpStatus) => {
    expect(traitsOf({ errorCode, category }).httpStatus).toBe(httpStatus)
  })

  it.each([
    [{ category: "client_error" }, "The request is not valid. Please check it."],
    [{ category: "auth_error" }, "Please sign in and try again."],
    [{ httpStatus: 403 }, "You do not have permission to do this."],
    [{ httpStatus: 403, category: "client_error" }, "The request is not valid. Please check it."],
    [{ httpStatus: 404 }, "What you asked for was not found."],
    [{ httpStatus: 409 }, "The request is in conflict with what is there now."],
    [{ category: "rate_limit" }, "Too many requests. Please wait a moment and try again."],
    [{ category: "server_error" }, "Something went wrong on our side. Please try again later."],
    [{ category: "external_error" }, "The service is temporarily unavailable. Please try again later."],
    [{ httpStatus: 501 }, "This is not available yet."],
    [{ httpStatus: 504 }, "The service took too long to answer. Please try again."],
    [{ httpStatus: 529 }, "The service is under heavy load. Please try again later."]
  ] as const)("the message for users follows from both: %o", (declaration, message) => {
    expect(traitsOf({ errorCode, ...declaration }).userMessage).toBe(message)
  })

  it("is declared instead, where it is", () => {
    const declaration = {
      errorCode,
      httpStatus: 404,
      category: "external_error",
      retryPolicy: "conditional",
      retryAfter: Duration.seconds(7),
      userMessage: "Sorry."
    } as const
    expect(traitsOf(declaration)).toEqual(declaration)
    expect(traitsOf({ ...declaration, retryAfter: "7 seconds" })).toEqual(declaration)
  })
})

describe("traits that make no sense are an error where the class is defined", () => {
  it.each([
    [{ errorCode: "" }, 'errorCode: expected a name without spaces, got ""'],
    [{ errorCode: "not found" }, 'errorCode: expected a name without spaces, got "not found"'],
    [{ errorCode, httpStatus: 42 }, "httpStatus: expected a whole number from 400 to 599, got 42"],
    [{ errorCode, httpStatus: 200 }, "httpStatus: expected a whole number from 400 to 599, got 200"],
    [{ errorCode, httpStatus: 404.5 }, "httpStatus: expected a whole number from 400 to 599, got 404.5"],
    [
      { errorCode, category: "server_error", httpStatus: 404 },
      "httpStatus: expected a 5xx in the category server_error"
    ],
    [
      { errorCode, category: "server_error", httpStatus: 403 },
      "httpStatus: expected a 5xx in the category server_error"
    ],
    [
      { errorCode, category: "client_error", httpStatus: 500 },
      "httpStatus: expected a 4xx in the category client_error"
    ],
    [{ errorCode, category: "auth_error", httpStatus: 503 }, "httpStatus: expected a 4xx in the category auth_error"],
    [{ errorCode, category: "rate_limit", httpStatus: 503 }, "httpStatus: expected a 4xx in the category rate_limit"],
    [{ errorCode, category: "other" }, "category: expected one of client_error, auth_error"],
    [{ errorCode, retryPolicy: "sometimes" }, "retryPolicy: expected never, always or conditional"],
    [{ errorCode, retryAfter: "soon" }, 'retryAfter: expected a duration, got "soon"'],
    [{ errorCode, userMessage: "" }, "userMessage: expected a text, got none"]
  ] as const)("%o", (declaration, mistake) => {
    expect(() => traitsOf(declaration as never)).toThrow(mistake)
  })

  it("which names all of them, and the class", () => {
    expect(() => traitsOf({ errorCode: "", httpStatus: 1, retryAfter: "soon" as never })).toThrow(
      /^invalid traits of the error Plain\nerrorCode: .*\nhttpStatus: .*\nretryAfter: .*$/
    )
  })

  it.each([["errorCode"], ["httpStatus"], ["category"], ["retryPolicy"], ["needsHint"]])(
    "as does a field of the same name: %s",
    (name) => {
      const base = Schema.TaggedError<Error>()("Plain", { [name]: Schema.String })
      expect(() => ErrorTraits.annotate(base as never, { errorCode } as never)).toThrow(
        `${name}: a field of this name contradicts the trait`
      )
    }
  )

  it("as do a field and a declaration of the same trait", () => {
    expect(() =>
      Schema.TaggedError<Error>()("Plain", { userMessage: Schema.String }).pipe(
        ErrorTraits.annotate({ errorCode, userMessage: "Sorry." })
      )
    ).toThrow("userMessage: a field of this name contradicts the trait")
  })
})

describe("an internal field", () => {
  class Refused extends Schema.TaggedError<Refused>()("Refused", {
    host: Schema.String,
    detail: ErrorTraits.Internal(Schema.String),
    cause: ErrorTraits.Internal(Schema.Unknown)
  }) {}
  const refused = new Refused({ host: "db", detail: "hunter2", cause: new Error("hunter2") })

  it("is there for developers", () => {
    expect(refused.detail).toBe("hunter2")
    expect(refused.cause).toEqual(new Error("hunter2"))
    expect(Cause.pretty(Cause.fail(refused))).toContain("hunter2")
    expect(() => new Refused({ host: "db", detail: 5 as never })).toThrow()
  })

  it("is in no encoding, and not believed when it comes in one", () => {
    for (const codec of [Refused, Schema.toCodecJson(Refused), Schema.toCodecStringTree(Refused)]) {
      expect(Schema.encodeUnknownSync(codec as Schema.Codec<unknown>)(refused)).toEqual({ _tag: "Refused", host: "db" })
    }
    const decode = Schema.decodeUnknownSync(Refused)
    expect(decode({ _tag: "Refused", host: "db" }).detail).toBeUndefined()
    expect(() => decode({ _tag: "Refused", host: "db", detail: "x" })).toThrow()
  })
})

describe("traits of another copy of the library", () => {
  it("are known by their shape", () => {
    const foreign = Object.assign(Object.create(null), {
      errorCode,
      httpStatus: 529,
      category: "external_error",
      retryPolicy: "always",
      userMessage: "Sorry."
    })
    expect(ErrorTraits.hasTraits(foreign)).toBe(true)
    expect(Classifier.classify(foreign, 0)).toEqual({ kind: "overloaded" })
    expect(Classifier.traitLabels(new Busy({ queue: 1 }), 0)).toEqual({
      error_code: "shop.busy",
      category: "server_error",
      status_code: "503",
      retry_policy: "always"
    })
  })

  it.each(["errorCode", "httpStatus", "category", "retryPolicy"])("are not believed without a valid %s", (trait) => {
    const foreign = { errorCode, httpStatus: 529, category: "external_error", retryPolicy: "always" }
    expect(ErrorTraits.hasTraits(foreign)).toBe(true)
    expect(ErrorTraits.hasTraits({ ...foreign, [trait]: true })).toBe(false)
  })

  it("are the same as those that resilience errors have", () => {
    expect(ResilienceError.hasTraits).toBe(ErrorTraits.hasTraits)
  })
})
