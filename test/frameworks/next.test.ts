// SPDX-License-Identifier: Apache-2.0
// A production build of a Next.js application (next-app), as a custom server and as Next.js's own standalone server. What holds behind httpd
// must hold on plain Node.js too.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { freePort } from "../../ts/cli/private-httpd.ts";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const frameworks = join(root, "test", "frameworks");
const next = join(frameworks, "node_modules", "next", "dist", "bin", "next");
const BUILD_MS = 120_000;

/** Builds the application in a folder beside its packages. */
function build(): { readonly custom: string; readonly standalone: string; remove(): void } {
  const folder = mkdtempSync(join(frameworks, ".next-app-"));
  const remove = (): void => rmSync(folder, { recursive: true });
  try {
    cpSync(join(frameworks, "next-app"), folder, { recursive: true });
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
    execFileSync(process.execPath, [next, "build"], { cwd: folder, env, stdio: "pipe" });
    const output = join(folder, ".next", "standalone");
    const inside = join(output, folder.slice(frameworks.length + 1));
    // What the documentation of standalone output says is left to be done.
    cpSync(join(folder, "public"), join(inside, "public"), { recursive: true });
    cpSync(join(folder, ".next", "static"), join(inside, ".next", "static"), { recursive: true });
    // The workers' user writes pages that were made anew.
    execFileSync("chmod", ["-R", "a+rX", folder]);
    if (process.getuid?.() === 0) execFileSync("chown", ["-R", "www-data", folder]);
    return { custom: join(folder, "server.js"), standalone: join(inside, "server.js"), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** A host of the application. */
interface Host {
  readonly url: string;
  stop(): Promise<void>;
}

async function startNode(file: string): Promise<Host> {
  const port = await freePort();
  const env = { PATH: process.env["PATH"], NODE_ENV: "production", PORT: String(port) };
  const cwd = dirname(file);
  // As the user that workers have: both write there.
  const { uid, gid } = statSync(file);
  const child: ChildProcess = spawn(process.execPath, [file], {
    cwd,
    env,
    uid,
    gid,
    stdio: "ignore",
  });
  const exited = once(child, "exit");
  const url = `http://127.0.0.1:${port}`;
  await waitUntil("the server", () =>
    fetch(url).then(
      () => true,
      () => false,
    ),
  );
  return {
    url,
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function startTenon(file: string): Promise<Host> {
  const section = pool("next", "TenonProcesses 1 1", file).replace('"/next"', '"/"');
  const httpd: TestHttpd = await startHttpd({ text: section });
  await httpd.waitForReady("next", 1);
  return { url: httpd.url, stop: () => httpd.stop() };
}

/** @param folder where its output is */
function describeApplication(host: () => Host, folder: () => string): void {
  const get = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${host().url}${path}`, { redirect: "manual", ...init });
  const textOf = async (path: string, init: RequestInit = {}): Promise<string> => {
    const response = await get(path, init);
    assert.equal(response.status, 200, path);
    return response.text();
  };

  it("serves a static page, which the client may keep", async () => {
    const response = await get("/");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-nextjs-cache"), "HIT");
    assert.match(await response.text(), /<h1>static page<\/h1>/);
    const etag = response.headers.get("etag") ?? "";
    // Not by fetch, which asks for a fresh one.
    const again = await ask(`${host().url}/`, { headers: { "If-None-Match": etag } });
    assert.equal(again.status, 304);
    assert.equal(again.text, "");
    const head = await get("/", { method: "HEAD" });
    assert.equal(head.headers.get("etag"), etag);
  });

  it("serves the page's styles, scripts and pictures, to be kept for ever", async () => {
    const page = await textOf("/");
    const assets = new Set(page.match(/\/_next\/static\/[\w./~-]+\.(?:css|js|png)/g));
    assert.ok([...assets].some((path) => path.endsWith(".css")));
    assert.ok([...assets].some((path) => path.endsWith(".js")));
    for (const path of assets) {
      const response = await get(path);
      assert.equal(response.status, 200, path);
      assert.match(response.headers.get("cache-control") ?? "", /immutable/);
      assert.ok((await response.arrayBuffer()).byteLength > 0);
    }
    const picture = await get("/picture.png");
    assert.equal(picture.headers.get("content-type"), "image/png");
    const bytes = readFileSync(join(frameworks, "next-app", "public", "picture.png"));
    assert.ok(Buffer.from(await picture.arrayBuffer()).equals(bytes));
  });

  it("makes pictures smaller on the way", async () => {
    const path = /\/_next\/image\?url=[^" ]+/.exec(await textOf("/"))?.[0] ?? "";
    const response = await get(path.replaceAll("&amp;", "&"), {
      headers: { Accept: "image/webp" },
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "image/webp");
    assert.equal(Buffer.from(await response.arrayBuffer()).toString("latin1", 8, 12), "WEBP");
  });

  it("renders a dynamic page of path, query, headers and cookies", async () => {
    const headers = { "X-Own": "own value", Cookie: "flavour=plain" };
    const response = await get("/dynamic/a%20name?query=a+value", { headers });
    assert.equal(response.headers.get("x-proxy"), "/dynamic/a%20name");
    const text = await response.text();
    assert.match(text, /name a%20name, query a value, header own value, cookie plain/);
  });

  it("rewrites in its proxy", async () => {
    assert.match(await textOf("/rewritten"), /name rewritten/);
  });

  it("answers a client's navigation with the page's components", async () => {
    const page = /name here/;
    const response = await get("/dynamic/here", { headers: { RSC: "1" } });
    const { status, headers } = response;
    // Without the parameter that its clients add, Next.js redirects to itself with it.
    const there =
      status === 307
        ? await get(headers.get("location") ?? "", { headers: { RSC: "1" } })
        : response;
    assert.match(there.headers.get("content-type") ?? "", /text\/x-component/);
    assert.match(await there.text(), page);
  });

  it("runs route handlers, with several cookies and streamed bodies", async () => {
    const response = await get("/api/echo?query=x");
    assert.deepEqual(await response.json(), { query: "x" });
    const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    assert.deepEqual(cookies, ["first=1", "second=2"]);
    const body = Buffer.alloc(1_000_000, "0123456789");
    const headers = { "Content-Type": "application/x-own" };
    const echoed = await get("/api/echo", { method: "POST", body, headers });
    assert.equal(echoed.status, 201);
    assert.equal(echoed.headers.get("content-type"), "application/x-own");
    assert.ok(Buffer.from(await echoed.arrayBuffer()).equals(body));
  });

  it("takes a form by a server action", async () => {
    const action = /name="(\$ACTION_ID_\w+)"/.exec(await textOf("/form"))?.[1] ?? "";
    const body = new FormData();
    body.set(action, "");
    body.set("text", "hello");
    const headers = { Origin: host().url };
    const response = await get("/form", { method: "POST", body, headers });
    assert.equal(response.status, 303);
    assert.match(response.headers.get("location") ?? "", /\/form$/);
    const cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    assert.match(await textOf("/form", { headers: { Cookie: cookie } }), /said hello/);
  });

  it("streams what is ready before what is not", async () => {
    const response = await get("/streaming");
    let text = "";
    let released = false;
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (released || !text.includes("early part") || !text.includes("waiting")) continue;
      assert.doesNotMatch(text, /late part/);
      released = true;
      assert.equal(await textOf("/api/release", { method: "POST" }), "released");
    }
    assert.ok(released);
    assert.match(text, /late part/);
  });

  it("redirects, and knows what is not there", async () => {
    const moved = await get("/old");
    assert.equal(moved.status, 308);
    assert.equal(moved.headers.get("location"), "/");
    for (const path of ["/missing", "/nowhere/at/all"]) {
      const response = await get(path);
      assert.equal(response.status, 404);
      assert.match(await response.text(), /there is no such page/);
    }
  });

  it("keeps a page until it is made anew, and writes the new one", async () => {
    const made = async (): Promise<string> =>
      /made at \d+ by \d+/.exec(await textOf("/cached"))?.[0] ?? "";
    const first = await made();
    assert.notEqual(first, "");
    assert.equal(await made(), first);
    assert.equal(await textOf("/api/revalidate", { method: "POST" }), "revalidated");
    await waitUntil("the new page", async () => (await made()) !== first);
    const second = await made();
    assert.equal(await made(), second);
    const output = join(folder(), ".next", "server");
    const pages = (): string[] =>
      readdirSync(output, { recursive: true, encoding: "utf8" }).filter((path) =>
        path.endsWith("cached.html"),
      );
    await waitUntil("the page on disk", () =>
      pages().some((path) => readFileSync(join(output, path), "utf8").includes(second)),
    );
  });
}

describe("Next.js", function () {
  this.timeout(BUILD_MS);
  let built: ReturnType<typeof build>;

  before(() => {
    built = build();
  });
  after(() => built?.remove());

  const hosts = [
    ["as a custom server on Node.js", startNode, () => built.custom],
    ["as a custom server behind httpd", startTenon, () => built.custom],
    ["as its standalone server behind httpd", startTenon, () => built.standalone],
  ] as const;

  for (const [title, start, file] of hosts) {
    describe(title, () => {
      let host: Host;
      before(async () => {
        host = await start(file());
      });
      after(() => host?.stop());
      describeApplication(
        () => host,
        () => dirname(file()),
      );
    });
  }
});
