import type { Policy } from "../../src/index.ts"

/** A part that does nothing, but cannot be fused: innermost, it makes a pipeline take the nested form for every call. */
export const transparent = {
  kind: "transparent",
  service: "default",
  describe: () => "nothing",
  snapshot: () => ({ kind: "transparent", service: "default" }),
  execute: (self) => self,
  executeWith: () => (self) => self
} satisfies Policy.Guard
