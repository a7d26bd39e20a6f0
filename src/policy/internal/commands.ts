/**
 * Short forms for the commands that a pattern offers to operators.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Policy from "../Policy.ts"

/** What an operator says beside the parameters. */
interface Definition<I extends Policy.Instance, F extends Schema.Struct.Fields> {
  readonly name: string
  readonly description: string
  readonly parameters: F
  readonly run: (instance: I, parameters: Schema.Struct<F>["Type"], by: string) => Effect.Effect<void>
}

/** A command with parameters. */
export const command = <I extends Policy.Instance, const F extends Schema.Struct.Fields>({
  description,
  name,
  parameters,
  run
}: Definition<I, F>): Policy.Command<I> => ({
  name,
  description,
  parameters: Schema.Struct(parameters) as unknown as Policy.Command<I>["parameters"],
  run: (instance, decoded, by) => run(instance, decoded as Schema.Struct<F>["Type"], by)
})
