import { defineConfig } from "vitest/config"
import shared from "./vitest.config.ts"

// The blocks are many, small and independent: sharing the loaded modules makes the run several times faster.
export default defineConfig({ ...shared, test: { include: ["test/.doctest/*.doctest.ts"], isolate: false } })
