// SPDX-License-Identifier: Apache-2.0
// Runs a table of cases against an application on plain node:http and behind httpd with Tenon: the same expectations, and alike answers.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Answer, type Ask, ask } from "../helpers/http-client.ts";
import { root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

/** What a field of an answer must be; null: it must be absent. */
type Expected = string | RegExp | null;

/** A request and what must come back. */
export interface Case extends Ask {
  /** A true sentence. */
  readonly title: string;
  readonly path: string;
  /** Unset: 200. */
  readonly status?: number;
  /** Fields of the answer by lower-case name; several Set-Cookie are joined by ", ". */
  readonly expect?: Readonly<Record<string, Expected>>;
  /** The body: its text, a pattern of it, or the value that its JSON has. */
  readonly text?: string | RegExp;
  readonly json?: unknown;
  /** Two answers of one host differ (random or clock): they are not compared between hosts. */
  readonly varies?: boolean;
}

/** A case of several requests. */
export interface Story {
  readonly title: string;
  readonly run: (
    send: (path: string, options?: Ask) => Promise<Answer>,
    url: string,
  ) => Promise<void>;
}

/** Makes an application that a file's default export is a listener. Unset where the export is a listener or a server. */
export type ToListener<T> = (application: T) => RequestListener;

/** Fields that belong to the connection or to the host itself. */
const OF_THE_HOST = new Set(["connection", "date", "keep-alive", "server", "transfer-encoding"]);

function fieldOf(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  // httpd writes the members of Vary anew, with no space behind the comma.
  if (name === "vary") return answer.headers.vary?.split(/, ?/).join(", ");
  return Array.isArray(value) ? value.join(", ") : value;
}

function matches(actual: string | undefined, expected: Expected, what: string): void {
  if (expected === null) assert.equal(actual, undefined, what);
  else if (typeof expected === "string") assert.equal(actual, expected, what);
  else assert.match(actual ?? "", expected, what);
}

function judge(one: Case, answer: Answer): void {
  const text = answer.body.toString();
  assert.equal(answer.status, one.status ?? 200, text);
  for (const [name, expected] of Object.entries(one.expect ?? {})) {
    matches(fieldOf(answer, name), expected, name);
  }
  if (one.text !== undefined) matches(text, one.text, "body");
  if (one.json !== undefined) assert.deepEqual(JSON.parse(text), one.json);
}

/** What must be alike on both hosts. */
function comparable(answer: Answer, chunked: boolean): unknown {
  const fields = Object.keys(answer.headers)
    .filter((name) => !OF_THE_HOST.has(name) && !(chunked && name === "content-length"))
    .sort()
    .map((name) => [name, fieldOf(answer, name)]);
  return { status: answer.status, fields, body: answer.body.toString("latin1") };
}

async function startPlain<T>(file: string, toListener?: ToListener<T>): Promise<Server> {
  const { default: application } = (await import(pathToFileURL(file).href)) as { default: T };
  if (application instanceof Server) {
    if (!application.listening) await once(application, "listening");
    return application;
  }
  const listener = toListener?.(application) ?? (application as RequestListener);
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function wholeSite(file: string, directives: string): string {
  return `<TenonPool site>
  TenonApp "${file}"
  TenonProcesses 1 1
  ${directives}
</TenonPool>
AllowEncodedSlashes NoDecode
<Location "/">
  SetHandler tenon:site
</Location>`;
}

/** What a case sends to ask for a range. */
export function range(value: string): { headers: { Range: string } } {
  return { headers: { Range: value } };
}

/** What `describeApplication` is told. */
export interface Application<T> {
  /** File below applications/. */
  readonly file: string;
  readonly toListener?: ToListener<T>;
  readonly cases: readonly Case[];
  readonly stories?: readonly Story[];
  /** False: node:http serves it through an adapter of another's, whose answers differ in what no case names. */
  readonly alike?: boolean;
  /** Tags of lines in httpd's log that the cases cause on purpose. */
  readonly tags?: readonly string[];
  readonly directives?: string;
}

/** Declares the mocha suite of an application: each case on node:http and behind httpd. */
export function describeApplication<T>(title: string, application: Application<T>): void {
  const file = join(root, "test", "frameworks", "applications", application.file);
  describe(title, () => {
    let plain: Server;
    let httpd: TestHttpd;
    const { NODE_ENV } = process.env;
    // @hono/node-server puts classes of its own in their place, which the applications of other suites would then get.
    const { Request, Response } = globalThis;

    before(async () => {
      process.env["NODE_ENV"] = "production";
      plain = await startPlain(file, application.toListener);
      httpd = await startHttpd({ text: wholeSite(file, application.directives ?? "") });
      httpd.expectLog(...(application.tags ?? []));
    });
    after(async () => {
      Object.assign(globalThis, { Request, Response });
      if (NODE_ENV === undefined) delete process.env["NODE_ENV"];
      else process.env["NODE_ENV"] = NODE_ENV;
      plain.close();
      plain.closeAllConnections();
      await httpd.stop();
    });

    const plainUrl = (): string => `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    const send = (url: string, one: Case): Promise<Answer> => ask(url + one.path, one);

    describe("on node:http", () => {
      for (const one of application.cases) {
        it(one.title, async () => judge(one, await send(plainUrl(), one)));
      }
      for (const story of application.stories ?? []) {
        it(story.title, () =>
          story.run((path, options) => ask(plainUrl() + path, options), plainUrl()),
        );
      }
    });

    describe("behind httpd", () => {
      for (const one of application.cases) {
        it(one.title, async () => {
          const answer = await send(httpd.url, one);
          judge(one, answer);
          if (one.varies === true || application.alike === false) return;
          const reference = await send(plainUrl(), one);
          const chunked = reference.headers["transfer-encoding"] !== undefined;
          assert.deepEqual(comparable(answer, chunked), comparable(reference, chunked));
        });
      }
      for (const story of application.stories ?? []) {
        it(story.title, () =>
          story.run((path, options) => ask(httpd.url + path, options), httpd.url),
        );
      }
    });
  });
}
