import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface, type Interface } from "node:readline";

/** Where Cargo put the programs. */
export const built = process.env["SYNCLINE_BUILT"] ?? resolve(import.meta.dirname, "../../../target/debug");
const suffix = process.platform === "win32" ? ".exe" : "";
const PATIENCE_MS = 90_000;

/** A program of ours, read line by line. */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #queue: string[] = [];
  readonly #waiting: ((line: string) => void)[] = [];
  #said = "";
  readonly ended: Promise<void>;

  constructor(name: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
    this.#child = spawn(join(built, name + suffix), args, { ...options, stdio: "pipe" });
    this.#child.stderr.on("data", (data: Buffer) => (this.#said += data.toString()));
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#lines.on("line", (line) => {
      const next = this.#waiting.shift();
      if (next) next(line);
      else this.#queue.push(line);
    });
    this.ended = new Promise((end, fail) => {
      this.#child.once("error", fail);
      this.#child.once("exit", () => end());
    });
  }

  /** The next line of its output. Fails when it ends instead, with what it said. */
  line(): Promise<string> {
    const ready = this.#queue.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    const { promise, resolve: take, reject } = Promise.withResolvers<string>();
    this.#waiting.push(take);
    const timer = setTimeout(() => reject(new Error(`no line came\n${this.#said}`)), PATIENCE_MS);
    void this.ended.then(() => reject(new Error(`the program ended\n${this.#said}`)), reject);
    return promise.finally(() => clearTimeout(timer));
  }

  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends it as the operating system does when there is no memory left: without a chance to tidy up. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Asks it to end, as Ctrl-C does, and waits. */
  async interrupt(): Promise<void> {
    this.#child.kill("SIGINT");
    await this.ended;
  }

  /** Closes its input and waits for its end. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.ended;
  }
}

/** A view whose reading waits while {@link CLOSE_GATE} is held: a run is in its middle for as long as a test likes. */
export const GATE = "create view gate as select 1 as id from (select pg_advisory_xact_lock_shared(42)) held";
export const CLOSE_GATE = "select pg_advisory_xact_lock(42)";

/** A private PostgreSQL server; it ends with the test process, however that ends. */
export interface Postgres {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  sql(statements: string): Promise<void>;
  /** Runs statements in a transaction that stays open, with its locks, until {@link Postgres.release}. */
  hold(statements: string): Promise<void>;
  release(): Promise<void>;
  /** Stops it as a crash does. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startPostgres(): Promise<Postgres> {
  const program = new Program("testkit-postgres", []);
  const at = JSON.parse(await program.line()) as Pick<Postgres, "host" | "port" | "database" | "user" | "password">;
  const tell = async (command: object) => {
    program.send(JSON.stringify(command));
    const answer = JSON.parse(await program.line()) as { ok: boolean; error?: string };
    if (!answer.ok) throw new Error(answer.error);
  };
  return {
    ...at,
    sql: (statements) => tell({ sql: statements }),
    hold: (statements) => tell({ hold: statements }),
    release: () => tell({ release: true }),
    kill: () => tell({ kill: true }),
    restart: () => tell({ restart: true }),
    close: () => program.close(),
  };
}

/** A folder of its own for a test. */
export async function scratch(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "syncline-journey-"));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
