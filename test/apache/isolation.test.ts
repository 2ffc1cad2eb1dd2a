// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ask, askJson } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { linksOf } from "../helpers/processes.ts";

interface Identity {
  readonly pid: number;
  readonly uids: number[];
  readonly gids: number[];
  readonly groups: number[];
  readonly capabilities: string;
  readonly permitted: string;
  readonly noNewPrivileges: string;
  readonly umask: number;
  readonly directory: string;
  readonly environment: Record<string, string>;
  readonly openFiles: string[];
  readonly becomeRoot: string;
  readonly becomeRootsGroup: string;
  readonly takeGroups: string;
}

const SECRET = "TENON_TEST_SECRET";
const NOBODY = 65_534;
/** Debian's `daemon`: neither httpd's user nor a pool's. */
const DAEMON = 1;

describe("isolation of workers", () => {
  let httpd: TestHttpd;
  let identity: Identity;

  before(async function () {
    // Only root can give workers another user.
    if (process.getuid?.() !== 0) this.skip();
    process.env[SECRET] = "of the environment that httpd was started with";
    const directives = `TenonUser nobody
      TenonProcesses 1 1
      TenonDirectory "${join(root, "test")}"
      TenonUmask 0027
      TenonOpenFiles 512
      TenonEnv GREETING "hello world"`;
    const text = [
      pool("probe", directives),
      pool("plain", "TenonProcesses 1 1"),
      pool("replaced", "TenonProcesses 1 1"),
    ].join("\n");
    try {
      httpd = await startHttpd({ text });
    } finally {
      delete process.env[SECRET];
    }
    identity = await askJson<Identity>(`${httpd.url}/probe/identity`);
  });
  after(() => httpd?.stop());

  /** Runs a script as another user, without groups; gives what it printed. */
  function runAs(uid: number, script: string, ...args: string[]): string {
    const node = ["--input-type=module", "-e", script, ...args];
    const options = { uid, gid: uid, encoding: "utf8", cwd: "/", timeout: 20_000 } as const;
    const result = spawnSync(process.execPath, node, options);
    assert.equal(result.status, 0, result.stderr);
    return result.stdout.trim();
  }

  it("gives a worker the pool's user and groups, everywhere", () => {
    assert.deepEqual(identity.uids, [NOBODY, NOBODY, NOBODY, NOBODY]);
    assert.deepEqual(identity.gids, [NOBODY, NOBODY, NOBODY, NOBODY]);
    assert.deepEqual(identity.groups, [NOBODY]);
  });

  it("gives a worker httpd's own user when the pool names none", async () => {
    const plain = await askJson<Identity>(`${httpd.url}/plain/identity`);
    assert.deepEqual(plain.uids, [33, 33, 33, 33]);
    assert.deepEqual(plain.gids, [33, 33, 33, 33]);
  });

  it("leaves a worker no way back to root", () => {
    assert.equal(identity.becomeRoot, "EPERM");
    assert.equal(identity.becomeRootsGroup, "EPERM");
    assert.equal(identity.takeGroups, "EPERM");
    assert.match(identity.capabilities, /^0+$/);
    assert.match(identity.permitted, /^0+$/);
    assert.equal(identity.noNewPrivileges, "1");
  });

  it("sets umask, working directory and open files as configured", () => {
    assert.equal(identity.umask, 0o027);
    assert.equal(identity.directory, join(root, "test"));
    assert.deepEqual(identity.openFiles.slice(1), ["512", "512"]);
  });

  it("gives a worker exactly the documented environment", () => {
    const { environment } = identity;
    const always = [
      "GREETING",
      "HOME",
      "LANG",
      "LOGNAME",
      "NODE_ENV",
      "PATH",
      "SHELL",
      "TENON_POOL",
      "USER",
    ];
    const expected = process.env["TZ"] === undefined ? always : [...always, "TZ"].sort();
    assert.deepEqual(Object.keys(environment).sort(), expected);
    assert.equal(environment["GREETING"], "hello world");
    assert.equal(environment["NODE_ENV"], "production");
    assert.equal(environment["TENON_POOL"], "probe");
    assert.equal(environment["USER"], "nobody");
    assert.equal(environment["LOGNAME"], "nobody");
    assert.equal(environment["HOME"], "/nonexistent");
  });

  it("gives a worker no descriptor of httpd's", () => {
    const { parent, children } = httpd.processes();
    const hosts = new Set([parent, ...children].flatMap((pid) => linksOf(pid)));
    const shared = linksOf(identity.pid).filter((target) => hosts.has(target));
    const harmless = shared.filter(
      (target) => target === "/dev/null" || target.startsWith("anon_inode:"),
    );
    assert.deepEqual(
      shared.filter((target) => !harmless.includes(target)),
      [],
    );
    // The scoreboard too is only mapped: an application that could cut it short would take its readers down.
    const files = linksOf(identity.pid).filter((target) =>
      target.startsWith(httpd.places.directory),
    );
    // Its own, in which Node keeps what it has compiled of the application.
    const cache = join(httpd.runtime, "application-cache", "probe");
    assert.deepEqual(files, [cache]);
    const { uid, mode } = statSync(cache);
    assert.deepEqual([uid, mode & 0o777], [identity.uids[0], 0o700]);
    assert.equal(statSync(dirname(cache)).mode & 0o777, 0o700);
  });

  it("lets no other local user connect to an endpoint or to the queue socket", () => {
    const folder = join(httpd.runtime, "pools", "probe");
    const sockets = readdirSync(folder).filter((name) => statSync(join(folder, name)).isSocket());
    assert.ok(sockets.includes("queue") && sockets.some((name) => /^w\d+$/.test(name)));
    const script = `import net from "node:net";
      const socket = net.connect(process.argv[1]);
      socket.on("connect", () => { console.log("connected"); process.exit(); });
      socket.on("error", (error) => console.log(error.code));`;
    for (const name of sockets) {
      for (const uid of [DAEMON, NOBODY]) {
        assert.equal(runAs(uid, script, join(folder, name)), "EACCES", `${name} as ${uid}`);
      }
    }
  });

  it("lets no other local user take the place of an endpoint", () => {
    const folder = join(httpd.runtime, "pools", "probe");
    const script = `import fs from "node:fs"; import net from "node:net";
      const [folder, socket] = process.argv.slice(1);
      const codes = [];
      for (const action of [() => fs.unlinkSync(socket), () => fs.renameSync(socket, socket + "x"),
        () => fs.writeFileSync(folder + "/mine", ""), () => fs.readdirSync(folder),
        () => fs.chmodSync(socket, 0o777), () => fs.openSync(folder + "/scoreboard", "r")]) {
        try { action(); codes.push("done"); } catch (error) { codes.push(error.code); }
      }
      const server = net.createServer();
      server.on("error", (error) => console.log([...codes, error.code].join()));
      server.on("listening", () => { console.log([...codes, "listening"].join()); process.exit(); });
      server.listen(folder + "/w7");`;
    const socket = join(folder, readdirSync(folder).find((name) => /^w\d+$/.test(name)) ?? "");
    for (const uid of [DAEMON, NOBODY]) {
      assert.equal(runAs(uid, script, folder, socket), Array(7).fill("EACCES").join(), `as ${uid}`);
    }
  });

  it("keeps all files of a pool the parent's user's, and closed to others", () => {
    const folder = join(httpd.runtime, "pools", "probe");
    for (const name of readdirSync(folder)) {
      const { uid, mode } = statSync(join(folder, name));
      assert.equal(uid, 0, `${name} belongs to ${uid}`);
      assert.equal(mode & 0o007, 0, `${name} is open to others`);
    }
  });

  it("has a worker refuse a channel of another user even where the folders let one in", async () => {
    const folder = join(httpd.runtime, "pools", "probe");
    const endpoint = join(folder, readdirSync(folder).find((name) => /^w\d+$/.test(name)) ?? "");
    const way = [httpd.runtime, join(httpd.runtime, "pools"), folder, endpoint];
    const modes = way.map((path) => statSync(path).mode);
    const since = httpd.log().mark();
    const script = `import net from "node:net";
      const socket = net.connect(process.argv[1]);
      let bytes = 0;
      socket.on("data", (piece) => { bytes += piece.length; });
      socket.on("error", (error) => console.log(error.code));
      socket.on("end", () => console.log("ended after " + bytes + " bytes"));`;
    try {
      for (const path of way) chmodSync(path, 0o777);
      assert.match(runAs(DAEMON, script, endpoint), /^(ended after 0 bytes|ECONNRESET)$/);
    } finally {
      for (const [at, path] of way.entries()) chmodSync(path, modes[at] ?? 0);
    }
    await httpd.waitForLog(/TN0301: .*refused a channel from uid 1 /, { since });
  });

  it("has the module send nothing to a socket of another user in an endpoint's place", async () => {
    const folder = join(httpd.runtime, "pools", "replaced");
    await httpd.waitForReady("replaced", 1);
    const own = mkdtempSync(join(tmpdir(), "tenon-impostor-"));
    chownSync(own, DAEMON, DAEMON);
    const script = `import net from "node:net";
      process.umask(0);
      const server = net.createServer((socket) => {
        socket.on("data", (piece) => console.log("got " + piece.length + " bytes"));
        socket.on("error", () => undefined);
        socket.on("close", () => console.log("closed"));
      });
      let missing = 2;
      for (const name of ["w0", "queue"]) {
        net.createServer((socket) => server.emit("connection", socket))
          .listen(process.argv[1] + "/" + name, () => { if (--missing === 0) console.log("listening"); });
      }`;
    const identity = { uid: DAEMON, gid: DAEMON, cwd: "/" };
    const node = ["--input-type=module", "-e", script, own];
    const impostor = spawn(process.execPath, node, {
      ...identity,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(impostor, "exit");
    try {
      impostor.stdout.setEncoding("utf8");
      assert.equal(String((await once(impostor.stdout, "data"))[0]).trim(), "listening");
      for (const name of ["w0", "queue"]) renameSync(join(own, name), join(folder, name));
      httpd.expectLog("TN0016");
      const closed = once(impostor.stdout, "data");
      assert.equal((await ask(`${httpd.url}/replaced/pid`)).status, 503);
      assert.equal(String((await closed)[0]).split("\n")[0], "closed");
      await httpd.waitForLog(/TN0016: \[replaced .*not owned by the user/);
    } finally {
      impostor.kill();
      await ended;
      rmSync(own, { recursive: true });
    }
  });

  it("hides the environment that httpd was started with from the workers' processes", () => {
    const inherited = readFileSync(`/proc/${identity.pid}/environ`, "latin1");
    assert.ok(!inherited.includes(SECRET));
    assert.ok(readFileSync(`/proc/${httpd.httpd.pid}/environ`, "latin1").includes(SECRET));
  });
});
