import { expect, it } from "vitest";
import { connections } from "../../../test/fixture/data";
import { nameOf, sorted } from "./model";

it("puts what needs a person first, and drafts before what is well", () => {
  const lines = sorted([
    ...connections.map((connection) => ({ kind: "connection" as const, connection })),
    { kind: "draft", draft: { name: "stock", changed_at: "2026-11-23T10:00:00Z", content: {} } },
  ]);
  expect(lines.map(nameOf)).toEqual(["shop-to-warehouse", "crm-daily", "web-events", "stock", "finance", "sample"]);
});
