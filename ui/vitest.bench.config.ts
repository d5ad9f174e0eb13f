import { defineConfig } from "vitest/config";

// Figures of the real window, for `cargo xtask bench window`. They measure and judge nothing.
export default defineConfig({
  test: {
    environment: "node",
    include: ["e2e/bench/**/*.bench.ts"],
    testTimeout: 600_000,
    hookTimeout: 300_000,
    bail: 1,
    fileParallelism: false,
  },
});
