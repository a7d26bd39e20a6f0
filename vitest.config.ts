import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: { conditions: ["effect-resilience-source"] },
  ssr: { resolve: { conditions: ["effect-resilience-source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    typecheck: { include: ["test/types/**/*.test-d.ts"], checker: "tsc" },
    coverage: { provider: "v8", include: ["src/**"], reporter: "json" },
    sequence: { concurrent: false },
    // No test waits in real time; a busy machine may take its time all the same.
    testTimeout: 60_000
  }
})
