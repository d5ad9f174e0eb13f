import { defineConfig } from "vitest/config";

// Journeys of people through the real program: `syncline serve` in a real browser, with real databases.
export default defineConfig({
  test: {
    environment: "node",
    include: ["e2e/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A journey is one story: what comes after a failure would only fail as well.
    bail: 1,
    fileParallelism: false,
  },
});
