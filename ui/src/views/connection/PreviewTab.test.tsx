import { act, render as renderBare, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ColumnProfile, PersonalData, PreviewRequest, SampledPreview, SampleProgress } from "~/api/generated";
import { App } from "~/App";
import type { Answer } from "~/platform/platform";
import { preview, profile } from "../../../test/fixture/data";
import { fixturePlatform } from "../../../test/fixture/platform";

const guess: PersonalData = { kind: "e-mail", likely: true, evidence: "The name says \"email\".", suggestion: "hash" };
const refusal = { code: "config", message: 'column "stat" does not exist', meaning: "", fix: [], retry: { when: "never" }, side: "source", detail: [] };

const STATUS = 2;
/** As the rows of the fixture are. */
const counted: ColumnProfile = { ...profile(STATUS), min: "open", max: "refunded ", top: [["paid", 334], ["open", 333]] };

interface Asked {
  request: PreviewRequest;
  signal: AbortSignal | undefined;
  answer: (sample: Partial<SampledPreview>) => void;
  refuse: () => void;
}

/** The preview of a table whose source answers when it is told to. */
function open({ progress = null as SampleProgress | null } = {}) {
  window.location.hash = "#/connections/sample/preview?table=orders";
  const inner = fixturePlatform();
  const asked: Asked[] = [];
  const calls: { name: string; request: unknown }[] = [];
  const call: typeof inner.call = (name, request, signal) => {
    calls.push({ name, request });
    if (name === "preview.progress") return Promise.resolve({ ok: true, value: progress });
    if (name === "preview.profile") return Promise.resolve({ ok: true, value: (request as { columns: number[] }).columns.map((at) => (at === STATUS ? counted : profile(at))) });
    if (name !== "preview") return inner.call(name, request, signal);
    return new Promise<Answer>((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      asked.push({
        request: request as PreviewRequest,
        signal,
        answer: (sample) => resolve({ ok: true, value: { ...preview((request as PreviewRequest).table), sample: String(asked.length), ...sample } }),
        refuse: () => resolve({ ok: false, error: refusal }),
      });
    });
  };
  renderBare(<App platform={{ ...inner, call }} />);
  const next = async (count: number) => {
    await waitFor(() => expect(asked).toHaveLength(count));
    return asked[count - 1] as Asked;
  };
  return { asked, calls, next };
}

async function choose(choice: string): Promise<void> {
  await userEvent.click(screen.getByRole("combobox", { name: "Sample size" }));
  await userEvent.click(await screen.findByRole("option", { name: choice }));
}

beforeEach(() => {
  window.matchMedia ??= (media) => Object.assign(new EventTarget(), { media, matches: false, onchange: null, addListener: () => undefined, removeListener: () => undefined });
  Element.prototype.scrollIntoView ??= () => undefined;
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(1200);
  vi.spyOn(window, "innerWidth", "get").mockReturnValue(1280);
});
afterEach(() => {
  vi.restoreAllMocks();
  sessionStorage.clear();
});

describe("which rows are previewed", () => {
  it("are random ones when asked, under one ticket for each sample", async () => {
    const { next, asked } = open();
    (await next(1)).answer({});
    await screen.findByText(/^First 1,001 rows of about 12,240, in the order of the source/);
    await choose("Random 10,000");
    const random = await next(2);
    expect(random.request).toMatchObject({ rows: 10_000, pick: "random" });
    random.answer({});
    await screen.findByText(/^Random 1,001 rows of about 12,240 ·/);
    await userEvent.click(screen.getByRole("button", { name: "Read again" }));
    expect((await next(3)).request).toEqual(random.request);
    expect(asked[0]?.request.ticket).not.toBe(random.request.ticket);
    // Another table of the same source can do the same, until it says otherwise.
    await userEvent.click(screen.getByRole("button", { name: "customers" }));
    const other = await next(4);
    expect(other.request).toMatchObject({ table: "customers", pick: "random" });
    other.answer({ picks: { random: false, condition: true } });
    await screen.findByText(/^Random 1,001 rows/);
    await choose("First 100");
    (await next(5)).answer({ picks: { random: false, condition: true } });
    await userEvent.click(await screen.findByRole("button", { name: "orders" }));
    await next(6);
    await choose("Random 10,000");
    await userEvent.click(screen.getByRole("button", { name: "customers" }));
    expect((await next(7)).request).toMatchObject({ table: "customers", rows: 1000, pick: "first" });
  });

  it("are offered only as the source can", async () => {
    const { next } = open();
    (await next(1)).answer({ picks: { random: false, condition: false } });
    await screen.findByText(/^First 1,001 rows/);
    await userEvent.click(screen.getByRole("combobox", { name: "Sample size" }));
    expect((await screen.findAllByRole("option")).map(({ textContent }) => textContent)).toEqual(["First 100", "First 1,000", "First 10,000"]);
  });

  it("are those of a condition: written, wrong, put right, matching none, given up", async () => {
    const { next, asked } = open();
    (await next(1)).answer({});
    await screen.findByText(/^First 1,001 rows/);
    await choose("Where…");
    const field = screen.getByRole("textbox", { name: "Condition" });
    await waitFor(() => expect(document.activeElement).toBe(field));
    expect(asked).toHaveLength(1);
    await userEvent.keyboard("stat = 'open'{Enter}");
    const wrong = await next(2);
    expect(wrong.request).toMatchObject({ rows: 1_000, pick: { where: "stat = 'open'" } });
    wrong.refuse();
    expect((await screen.findByRole("alert")).textContent).toContain('column "stat" does not exist');
    expect(field.getAttribute("aria-invalid")).toBe("true");
    await userEvent.type(field, "{Home}{ArrowRight}{ArrowRight}{ArrowRight}{ArrowRight}us{Enter}");
    const right = await next(3);
    expect(right.request.pick).toEqual({ where: "status = 'open'" });
    right.answer({ rows: [], source_rows: [], rejected: [], trial: { rows: 0, millis: 1, bytes: 0, all: true, cut: false, searched: false } });
    await screen.findByText(/^0 rows where status = 'open' ·/);
    expect(screen.getByText("No row matches this condition.")).toBeDefined();
    await userEvent.type(field, "{Escape}");
    expect(screen.queryByRole("textbox", { name: "Condition" })).toBeNull();
    await screen.findByText(/^First 1,001 rows/);
    expect(asked).toHaveLength(3);
  });
});

describe("while a sample is read", () => {
  it("can be cancelled, and read again", async () => {
    const { next } = open();
    const first = await next(1);
    await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(first.signal?.aborted).toBe(true);
    await screen.findByText("Reading was cancelled.");
    await userEvent.click(within(screen.getByRole("main")).getAllByRole("button", { name: "Read again" }).at(-1) as HTMLElement);
    (await next(2)).answer({});
    await screen.findByText(/^First 1,001 rows/);
  });

  it("says how far it is, and takes what is here when it is slow", async () => {
    const { next, calls } = open({ progress: { rows: 400, millis: 10_000 } });
    const { request, answer } = await next(1);
    await screen.findByText("Reading a sample…");
    expect(calls.some(({ name }) => name === "preview.progress")).toBe(false);
    await screen.findByText("Reading a sample… 400 rows");
    expect(calls.find(({ name }) => name === "preview.progress")?.request).toEqual({ ticket: request.ticket });
    expect(screen.queryByRole("button", { name: "Use what is here" })).toBeNull();
    await screen.findByText("Still reading. The source is answering 40 rows/s.", undefined, { timeout: 4_000 });
    await userEvent.click(screen.getByRole("button", { name: "Use what is here" }));
    expect(calls.find(({ name }) => name === "preview.enough")?.request).toEqual({ ticket: request.ticket });
    act(() => answer({ trial: { rows: 400, millis: 1, bytes: 0, all: false, cut: true, searched: false } }));
    await screen.findByText(/^First 400 rows, reading was ended early ·/);
    const polls = calls.filter(({ name }) => name === "preview.progress").length;
    await new Promise((later) => setTimeout(later, 700));
    expect(calls.filter(({ name }) => name === "preview.progress")).toHaveLength(polls);
  });

  it("has nothing to take while nothing has come, and shows columns that are known", async () => {
    const { next } = open();
    (await next(1)).answer({});
    await screen.findByText(/^First 1,001 rows/);
    await choose("First 100");
    await next(2);
    await screen.findByText("Still reading. The source has sent no rows yet.", undefined, { timeout: 4_000 });
    expect(screen.queryByRole("button", { name: "Use what is here" })).toBeNull();
    expect(screen.getByText("placedAt")).toBeDefined();
  });
});

describe("values that may be personal", () => {
  const personal = [null, null, guess, null, null, null];
  const cells = () => screen.getAllByRole("gridcell").map(({ textContent }) => textContent);

  it("are dots until they are asked for, everywhere, and for this connection", async () => {
    const view = open();
    (await view.next(1)).answer({ personal });
    await screen.findByText("1 column may hold personal data");
    await waitFor(() => expect(cells()).toContain("••••"));
    expect(cells()).not.toContain("paid");
    expect(screen.getByRole("img", { name: 'May be personal data, masked (e-mail): The name says "email".' })).toBeDefined();
    const [cell] = screen.getAllByRole("gridcell", { name: "••••" });
    await userEvent.dblClick(cell as HTMLElement);
    const dialog = await screen.findByRole("dialog", { name: "Value of status" });
    expect(dialog.textContent).toContain("••••");
    await userEvent.click(within(dialog).getByRole("button", { name: "Close" }));
    await userEvent.click(screen.getByRole("button", { name: "As in source" }));
    expect(cells()).not.toContain("paid");
    expect(cells()).toContain("••••");
    await userEvent.click(screen.getByRole("button", { name: "Side by side" }));
    expect(cells()).not.toContain("paid");
    expect(cells()).toContain("••••");
    await userEvent.click(screen.getByRole("button", { name: "Show values" }));
    await waitFor(() => expect(cells()).toContain("paid"));
    expect(screen.getByRole("button", { name: "Hide values" }).getAttribute("aria-pressed")).toBe("true");
    expect(sessionStorage.getItem("syncline.values-shown:sample")).not.toBeNull();
    // What was picked while they were seen names a value: it goes with them.
    await userEvent.click(screen.getByRole("button", { name: "As it will land" }));
    await userEvent.click(screen.getAllByRole("gridcell", { name: "paid" })[0] as HTMLElement);
    await userEvent.click(await screen.findByRole("button", { name: "paid 334" }));
    expect(screen.getByText("status = paid")).toBeDefined();
    await userEvent.click(screen.getByRole("button", { name: "Hide values" }));
    expect(screen.queryByText("status = paid")).toBeNull();
    expect(screen.getByRole("main").textContent).not.toMatch(/paid|refunded/);
    expect(sessionStorage).toHaveLength(0);
  });

  it("are not told by figures, whose bars cannot be pressed", async () => {
    const { ColumnFigures } = await import("~/domains/preview/ColumnFigures");
    const { ProfileStore } = await import("~/domains/preview/profiles");
    const { render } = await import("../../../test/render");
    const store = new ProfileStore("1");
    store.add([counted]);
    const filtering = { filter: null, onFilter: () => undefined };
    const { container } = render(<ColumnFigures preview={preview("orders")} store={store} column={STATUS} hidden filtering={filtering} />);
    expect(container.textContent).not.toMatch(/paid|open|refunded/);
    expect(screen.getAllByText("••••")).toHaveLength(4);
    expect(screen.queryByRole("button")).toBeNull();
  });
});

describe("a bar", () => {
  it("picks its rows in each form, and is taken back with Esc or the button", async () => {
    const view = open();
    (await view.next(1)).answer({});
    const cell = (await screen.findAllByRole("gridcell", { name: "paid" }))[0] as HTMLElement;
    await userEvent.click(cell);
    const inspector = screen.getByRole("complementary");
    const bar = await within(inspector).findByRole("button", { name: "open 333" });
    const all = screen.getByRole("grid").getAttribute("aria-rowcount");
    await userEvent.click(bar);
    expect(bar.getAttribute("aria-pressed")).toBe("true");
    expect(screen.getByText("status = open")).toBeDefined();
    expect(screen.getByText("333 of 1,000 rows")).toBeDefined();
    expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe("334");
    expect(screen.queryByRole("gridcell", { name: "paid" })).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Side by side" }));
    expect(screen.getByText("333 of 1,001 rows")).toBeDefined();
    expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe("334");
    await userEvent.keyboard("{Escape}");
    expect(screen.queryByText("status = open")).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "As it will land" }));
    expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe(all);
    await userEvent.click(bar);
    await userEvent.click(screen.getByRole("button", { name: "Show all rows" }));
    expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe(all);
  });
});
