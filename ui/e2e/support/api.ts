import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** An API on this computer whose answers a journey makes up. Keeps what it was asked. */
export class Api {
  readonly asked: { path: string; query: URLSearchParams; headers: IncomingMessage["headers"]; body: string }[] = [];
  /** Requests that were given up before they were answered. */
  givenUp = 0;

  private constructor(private readonly server: Server) {}

  /** An answer that is null never comes. */
  static async start(answer: (path: string, query: URLSearchParams, request: IncomingMessage, body: string) => Answer | null): Promise<Api> {
    const server = createServer();
    const api = new Api(server);
    server.on("request", async (request: IncomingMessage, response: ServerResponse) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const sent = (await request.toArray()).join("");
      api.asked.push({ path: url.pathname, query: url.searchParams, headers: request.headers, body: sent });
      const answered = answer(url.pathname, url.searchParams, request, sent);
      if (!answered) {
        response.once("close", () => (api.givenUp += 1));
        return;
      }
      const { status = 200, body, type = "application/json", headers = {} } = answered;
      response.writeHead(status, { "content-type": type, ...headers }).end(typeof body === "string" ? body : JSON.stringify(body));
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

export interface Answer {
  status?: number;
  body: unknown;
  type?: string;
  headers?: Record<string, string>;
}

export interface Ticket {
  id: number;
  subject: string;
  updated_at: string;
}

/** Tickets, one an hour from the first of January. */
export function tickets(count: number): Ticket[] {
  const begin = Date.UTC(2026, 0, 1);
  return Array.from({ length: count }, (_, at) => ({
    id: 1000 + at,
    subject: `Ticket ${at}`,
    updated_at: new Date(begin + at * 3_600_000).toISOString().replace(".000Z", "Z"),
  }));
}

/** A page of rows, by the parameters `page` and `per_page`, and by what changed since. */
export function pageOf(rows: readonly Ticket[], query: URLSearchParams, since: string): Ticket[] {
  const newer = rows.filter(({ updated_at }) => updated_at >= (query.get(since) ?? ""));
  const size = Math.min(100, Number(query.get("per_page") ?? 20));
  const page = Number(query.get("page") ?? 1);
  return newer.slice((page - 1) * size, page * size);
}

/** The same description with the comments of each ticket. */
export function withComments(api: Description): Description {
  const list = { type: "array", items: { type: "object", properties: { id: { type: "integer" }, text: { type: "string" } } } };
  const get = {
    summary: "The comments of a ticket",
    parameters: [{ name: "id", in: "path", required: true, schema: { type: "integer" } }],
    responses: { "200": { content: { "application/json": { schema: { type: "object", properties: { data: list } } } } } },
  };
  return { ...api, paths: { ...api.paths, "/tickets/{id}/comments": { get } } };
}

interface Description {
  paths: object;
  [part: string]: unknown;
}

/** The description of an API of tickets behind a key. */
export function description(url: string): Description {
  const time = { type: "string", format: "date-time" };
  return {
    openapi: "3.1.0",
    info: { title: "Acme Tickets", version: "1" },
    servers: [{ url: `${url}/v2` }],
    security: [{ key: [] }],
    components: {
      securitySchemes: { key: { type: "apiKey", in: "header", name: "X-Api-Key" } },
      schemas: { Ticket: { type: "object", properties: { id: { type: "integer" }, subject: { type: "string" }, updated_at: time } } },
    },
    paths: {
      "/tickets": {
        get: {
          summary: "All tickets",
          parameters: [
            { name: "page", in: "query", schema: { type: "integer", default: 1 } },
            { name: "per_page", in: "query", schema: { type: "integer", maximum: 100 } },
            { name: "updated_since", in: "query", schema: time },
          ],
          responses: {
            "200": {
              content: { "application/json": { schema: { type: "object", properties: { data: { type: "array", items: { $ref: "#/components/schemas/Ticket" } } } } } },
            },
          },
        },
      },
      "/status": { get: { summary: "How it is", responses: { "200": { content: { "application/json": { schema: { type: "object", properties: { id: { type: "string" } } } } } } } } },
    },
  };
}
