// SPDX-License-Identifier: Apache-2.0
// The cache in stores that others can reach: a redis of the test's own, and a dbm file.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endWithProcess } from "../../../ts/cli/end-with-process.ts";
import { freePort } from "../../../ts/cli/private-httpd.ts";
import { ask } from "../../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";
import { waitUntil } from "../../helpers/processes.ts";

const application = join(root, "test", "applications", "decisions.ts");

/** Sends text to a port and gives what comes until the peer has said nothing for a moment or has closed. */
async function talk(port: number, text: string, end: RegExp): Promise<string> {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  let said = "";
  socket.write(text, "latin1");
  for await (const piece of socket) {
    said += piece;
    if (end.test(said)) break;
  }
  socket.destroy();
  return said;
}

/** A command of redis. */
function redis(port: number, ...words: string[]): Promise<string> {
  const text = words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
  return talk(
    port,
    `*${words.length}\r\n${text}QUIT\r\n`.replace("QUIT\r\n", "*1\r\n$4\r\nQUIT\r\n"),
    /\+OK\r\n$/,
  );
}

const keysOf = async (port: number): Promise<string[]> =>
  (await redis(port, "KEYS", "*")).split("\r\n").filter((line) => line.length > 60);

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
  stop(): Promise<void>;
}

async function serve(
  program: string,
  args: (port: number, folder: string) => string[],
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "tenon-store-"));
  const port = await freePort();
  const child = spawn(program, args(port, folder), {
    stdio: "ignore",
    cwd: folder,
    ...(program === REDIS ? { argv0: "redis-server" } : {}),
  });
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const forget = endWithProcess({
    folder,
    pid: () => (running() ? child.pid : undefined),
    signal: "SIGKILL",
  });
  await waitUntil(`${program} to listen`, async () => {
    const socket = connect(port, "127.0.0.1");
    const listens = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    return listens;
  });
  return {
    child,
    port,
    async stop() {
      if (running()) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      rmSync(folder, { recursive: true, force: true });
      forget();
    },
  };
}

/** An httpd whose decisions are in a store. @param secret of the cache; unset: its own */
async function start(store: string, secret?: string): Promise<TestHttpd> {
  const httpd = await startHttpd({
    load: ["socache_redis", "socache_dbm", "auth_basic", "authn_core", "authz_user"],
    text: ({ directory }) => {
      const file = join(directory, "secret");
      if (secret !== undefined) writeFileSync(file, secret, { mode: 0o600 });
      const data = join(directory, "data");
      mkdirSync(data, { mode: 0o777 });
      return `
TenonCache ${store.replace("@data", data)}
${secret === undefined ? "" : `TenonCacheSecret "${file}"`}
${pool("kept", "TenonProcesses 1 1", application)}
<Location "/a">
TenonHook access_checker kept#byUri
SetHandler tenon:kept
</Location>
<Location "/short">
TenonHook access_checker kept#shortly
SetHandler tenon:kept
</Location>
<Location "/private">
AuthType Basic
AuthName test
AuthBasicProvider tenon
TenonHook check_password kept
Require valid-user
SetHandler tenon:kept
</Location>`;
    },
  });
  await httpd.waitForReady("kept", 1);
  return httpd;
}

const callOf = async (httpd: TestHttpd, path: string): Promise<number> =>
  Number((await ask(`${httpd.url}${path}`)).headers["x-call"]);

/** Asks until the answer is one that was given before. */
async function keep(httpd: TestHttpd, path: string): Promise<number> {
  let call = await callOf(httpd, path);
  for (let turn = 0; turn < 10; turn++) {
    const next = await callOf(httpd, path);
    if (next === call) return call;
    call = next;
  }
  throw new Error(`no decision of ${path} is kept`);
}

const enter = (httpd: TestHttpd, password: string): Promise<number> => {
  const value = Buffer.from(`alice:${password}`).toString("base64");
  return ask(`${httpd.url}/private/x`, { headers: { Authorization: `Basic ${value}` } }).then(
    (answer) => answer.status,
  );
};

/** Debian's redis-tools has the server by this name; it looks at the one that it is called by. */
const REDIS = "redis-check-rdb";

describe("decisions in redis", () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const httpds: TestHttpd[] = [];
  let server: Server;

  beforeEach(async () => {
    server = await serve(REDIS, (port, folder) => [
      ...["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
    ]);
  });
  afterEach(async () => {
    try {
      for (const httpd of httpds.splice(0)) await httpd.stop();
    } finally {
      await server.stop();
    }
  });

  async function run(of?: string): Promise<TestHttpd> {
    const httpd = await start(`redis:127.0.0.1:${server.port}`, of);
    httpds.push(httpd);
    return httpd;
  }

  it("are kept, end by themselves, and show no password", async () => {
    const httpd = await run();
    httpd.expectLog("AH01617");
    const call = await keep(httpd, "/a/1");
    assert.equal(await callOf(httpd, "/a/1"), call);
    const short = await keep(httpd, "/short");
    await waitUntil("its end", async () => (await callOf(httpd, "/short")) !== short);
    for (let turn = 0; turn < 3; turn++) {
      assert.equal(await enter(httpd, "wonder"), 200);
      assert.equal(await enter(httpd, "wander"), 401);
    }
    const keys = await keysOf(server.port);
    assert.ok(keys.length >= 4, String(keys));
    const values = await Promise.all(keys.map((key) => redis(server.port, "GET", key)));
    for (const text of [...keys, ...values])
      assert.doesNotMatch(text, /wonder|wander|alice|X-Call|kept/);
  });

  it("are shared by machines with one secret, and by no others", async () => {
    const [one, two, stranger] = [await run(secret), await run(secret), await run("x".repeat(32))];
    const call = await keep(one, "/a/shared");
    // The first answer teaches the second machine what the hook varies on.
    await callOf(two, "/a/teach");
    assert.equal(await callOf(two, "/a/shared"), call);
    await callOf(two, "/a/more");
    await callOf(two, "/a/more");
    const before = await keysOf(server.port);
    await keep(stranger, "/a/shared");
    assert.ok((await keysOf(server.port)).length > before.length);
  });

  it("are asked for anew when somebody has changed, exchanged or repeated them", async () => {
    const httpd = await run();
    // One that is too long for us.
    httpd.expectLog("TN0091", "AH03480");
    const first = await keep(httpd, "/a/1");
    const [key = ""] = await keysOf(server.port);
    const second = await keep(httpd, "/a/2");
    const other = (await keysOf(server.port)).find((found) => found !== key) ?? "";
    const good = await redis(server.port, "GET", key);
    for (const forge of [
      () => redis(server.port, "SET", key, ""),
      () => redis(server.port, "SET", key, "x".repeat(8000)),
      () => redis(server.port, "SETRANGE", key, "60", "x"),
      () => redis(server.port, "RENAME", other, key),
    ]) {
      const before = await callOf(httpd, "/a/1");
      await forge();
      const after = await callOf(httpd, "/a/1");
      assert.ok(after > before, `${before} ${after}`);
    }
    assert.ok(good.length > 50 && first !== second);
  });

  it("are asked for each time while the server is down, and it is said so", async () => {
    const httpd = await run();
    await keep(httpd, "/a/1");
    httpd.expectLog("TN0091", "AH03478", "AH03479", "AH03480", "AH03473");
    const mark = httpd.log().mark();
    await server.stop();
    const numbers: number[] = [];
    for (let turn = 0; turn < 4; turn++) numbers.push(await callOf(httpd, "/a/1"));
    assert.equal(new Set(numbers).size, 4);
    await httpd.waitForLog(/TN0091: .*\(TenonCache redis\) cannot be/, { since: mark });
  });
});

describe("decisions in a dbm file", () => {
  it("are kept, and show no password", async () => {
    const httpd = await start("dbm:@data/cache");
    try {
      await keep(httpd, "/a/1");
      for (let turn = 0; turn < 4; turn++) assert.equal(await enter(httpd, "wonder"), 200);
      const folder = join(httpd.places.directory, "data");
      const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), "latin1"));
      assert.ok(files.join("").length > 0);
      assert.doesNotMatch(files.join(""), /wonder|alice/);
    } finally {
      await httpd.stop();
    }
  });
});
