/**
 * What people look for in a protected call and what belongs elsewhere. The name of the type is what the compiler tells them.
 */
import type * as CircuitBreaker from "../../policy/CircuitBreaker.ts"
import type * as Retry from "../../policy/Retry.ts"

/** No value has it: numbers are those of the service, from its configuration, or of a pipeline, from `Pipeline.make`. */
export interface NumbersBelongInConfigurationOrPipelineMake {
  readonly [elsewhere]: never
}

declare const elsewhere: unique symbol

type Numbers<Options> = { readonly [Option in keyof Options]?: NumbersBelongInConfigurationOrPipelineMake }

/** The policies whose numbers no call chooses. */
export interface Misplaced {
  readonly deadline?: NumbersBelongInConfigurationOrPipelineMake
  readonly retry?: Numbers<Retry.OptionsInput> | undefined
  readonly circuitBreaker?: Numbers<CircuitBreaker.OptionsInput> | undefined
  readonly bulkhead?: NumbersBelongInConfigurationOrPipelineMake
  readonly timeout?: NumbersBelongInConfigurationOrPipelineMake
}
