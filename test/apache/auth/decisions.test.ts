// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestAuthorization } from "../../helpers/digest.ts";
import { type Answer, type Ask, ask, askJson } from "../../helpers/http-client.ts";
import { configtest, pool, root, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";
import { waitUntil } from "../../helpers/processes.ts";
import { sharedMemoryOf } from "../../helpers/shared-memory.ts";

const application = join(root, "test", "applications", "decisions.ts");
const basic = (user: string, password: string): { Authorization: string } => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

/** Requests that differ in what a hook varies on, and one that differs in something else. */
interface Vary {
  readonly export: string;
  readonly one: [path: string, ask?: Ask];
  readonly other: [path: string, ask?: Ask];
  readonly alike: [path: string, ask?: Ask];
}

const header = (name: string, value: string): Ask => ({ headers: { [name]: value } });

const varies: readonly Vary[] = [
  { export: "byNothing", one: ["/a"], alike: ["/b?c", header("X-Thing", "1")], other: ["/a"] },
  {
    export: "byHeader",
    one: ["/a", header("X-Thing", "1")],
    alike: ["/b?c", header("x-thing", "1")],
    other: ["/a", header("X-Thing", "2")],
  },
  {
    export: "byHeader",
    one: ["/a", header("X-Thing", "")],
    alike: ["/b", header("X-Thing", "")],
    other: ["/a"],
  },
  { export: "byUri", one: ["/a"], alike: ["/a?b"], other: ["/b"] },
  { export: "byArgs", one: ["/a?b"], alike: ["/c?b"], other: ["/a?c"] },
  { export: "byArgs", one: ["/a?"], alike: ["/c?"], other: ["/a?d"] },
  {
    export: "byClient",
    one: ["/a", header("X-Client", "192.0.2.1")],
    alike: ["/b", header("X-Client", "192.0.2.1")],
    other: ["/a", header("X-Client", "192.0.2.2")],
  },
  { export: "byMethod", one: ["/a"], alike: ["/b"], other: ["/a", { method: "OPTIONS" }] },
  {
    export: "byHostname",
    one: ["/a", header("Host", "one.test")],
    alike: ["/b", header("Host", "one.test")],
    other: ["/a", header("Host", "two.test")],
  },
  { export: "byOption", one: ["/red/a"], alike: ["/red/b"], other: ["/blue/a"] },
  {
    export: "byExpr",
    one: ["/a", header("X-Thing", "1")],
    alike: ["/b", header("X-Thing", "1")],
    other: ["/a", header("X-Thing", "2")],
  },
  {
    export: "byPassword",
    one: ["/a", { headers: basic("a", "x") }],
    alike: ["/b", { headers: basic("b", "x") }],
    other: ["/a", { headers: basic("a", "y") }],
  },
  { export: "byRealm", one: ["/red/a"], alike: ["/red/b"], other: ["/blue/a"] },
];

const NAMES = [
  ...new Set(varies.map((vary) => vary.export)),
  ...["byUnknown", "byBadExpr", "byFile", "byTurns", "shortly", "refusing", "talkative"],
  ...["answering", "waiting", "declining"],
];

function sections(htdocs: string): string {
  mkdirSync(htdocs, { recursive: true });
  const password =
    "AuthType Basic\nAuthzSendForbiddenOnFailure On\nAuthName test\nAuthBasicProvider tenon\nTenonHook check_password kept";
  return `${pool("kept", "TenonProcesses 1 1", application)}
${NAMES.map((name) => `<Location "/h/${name}">\nTenonHook access_checker kept#${name}\n</Location>`).join("\n")}
<Location "/h">
SetHandler tenon:kept
</Location>
<LocationMatch "/red/">
TenonOption colour red
AuthName red
</LocationMatch>
<LocationMatch "/blue/">
TenonOption colour blue
AuthName blue
</LocationMatch>
<Location "/off">
TenonHook access_checker kept#byNothing cache=off
SetHandler tenon:kept
</Location>
<Location "/user">
${password}
Require valid-user
TenonHook fixups kept#byUser
SetHandler tenon:kept
</Location>
<Location "/named">
${password}
Require tenon kept#named alice
SetHandler tenon:kept
</Location>
<Location "/others">
${password}
Require tenon kept#named bob
SetHandler tenon:kept
</Location>
<Location "/digest">
AuthType Digest
AuthName digest
AuthDigestProvider tenon
TenonHook get_realm_hash kept
Require valid-user
SetHandler tenon:kept
</Location>
<Location "/changing">
AuthType Token
AuthName token
Require valid-user
TenonHook check_user_id kept#changing
Header always set X-User "expr=%{REMOTE_USER}"
Header always set X-Colour "%{COLOUR}e"
SetHandler tenon:kept
</Location>
<Location "/server-status">
SetHandler server-status
</Location>`;
}

const LOAD = [
  ...["auth_basic", "auth_digest", "authn_core", "authz_user", "remoteip", "headers", "status"],
];

describe("decisions that are kept", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      load: [...LOAD, "socache_shmcb"],
      text: ({ htdocs, logs }) => `
RemoteIPHeader X-Client
LogFormat "%U %u %{mark}n" marks
CustomLog "${join(logs, "access.log")}" marks
${sections(htdocs)}`,
    });
    await httpd.waitForReady("kept", 1);
  });
  after(() => httpd.stop());

  const get = (path: string, options?: Ask): Promise<Answer> => ask(`${httpd.url}${path}`, options);
  const callOf = async (path: string, options?: Ask): Promise<number> => {
    const answer = await get(path, options);
    return Number(answer.headers["x-call"]);
  };
  /** Asks until the answer is one that was given before. */
  async function keep(path: string, options?: Ask): Promise<number> {
    let call = await callOf(path, options);
    for (let turn = 0; turn < 10; turn++) {
      const next = await callOf(path, options);
      if (next === call) return call;
      call = next;
    }
    throw new Error(`no decision of ${path} is kept`);
  }

  for (const { export: name, one, other, alike } of varies) {
    const at = ([path, options = {}]: [string, Ask?]): [string, Ask] => [
      `/h/${name}${path}`,
      options,
    ];
    it(`vary as ${name} says: ${one[0]} ${JSON.stringify(one[1]?.headers ?? "")}`, async () => {
      const kept = await keep(...at(one));
      assert.equal(await callOf(...at(alike)), kept);
      if (name === "byNothing") return;
      const another = await keep(...at(other));
      assert.notEqual(another, kept);
      assert.equal(await callOf(...at(one)), kept);
      assert.equal(await callOf(...at(alike)), kept);
    });
  }

  it("vary on the user", async () => {
    const alice = await keep("/user/a", { headers: basic("alice", "wonder") });
    const bob = await keep("/user/a", { headers: basic("bob", "wonder") });
    assert.notEqual(alice, bob);
    assert.equal(await callOf("/user/b", { headers: basic("alice", "wonder") }), alice);
  });

  it("are taught by the first answer and kept from the second on, for all processes of httpd", async () => {
    assert.equal((await get("/h/purge?export=byNothing")).status, 200);
    const numbers: number[] = [];
    // A connection of its own each: they end up in different processes.
    for (let turn = 0; turn < 30; turn++) numbers.push(await callOf("/h/byNothing/x"));
    assert.ok(new Set(numbers).size <= 2, String(numbers));
  });

  it("do not vary on the wrong thing when answers differ in what they vary on", async () => {
    const deep = header("X-Deep", "1");
    for (let turn = 0; turn < 5; turn++) {
      assert.equal((await get("/h/byTurns/1", deep)).status, 200);
      assert.equal((await get("/h/byTurns/2", deep)).status, 403);
      assert.equal((await get("/h/byTurns/2")).status, 200);
    }
    assert.notEqual(await keep("/h/byTurns/1", deep), await keep("/h/byTurns/2", deep));
  });

  it("are not kept when they vary on what is not known, and it is said why", async () => {
    httpd.expectLog("TN0092");
    const mark = httpd.log().mark();
    const first = await callOf("/h/byUnknown/a");
    assert.ok((await callOf("/h/byUnknown/a")) > first);
    assert.ok((await callOf("/h/byUnknown/a")) > first + 1);
    await httpd.waitForLog(/TN0092: .*kept#byUnknown is not kept: .*: weather/, { since: mark });
  });

  it("are not kept when they vary on an expression that is none, or that reads a file", async () => {
    httpd.expectLog("TN0090");
    const mark = httpd.log().mark();
    const numbers: number[] = [];
    for (const name of ["byBadExpr", "byFile"]) {
      for (let turn = 0; turn < 4; turn++) numbers.push(await callOf(`/h/${name}/a`));
    }
    assert.equal(new Set(numbers).size, 8);
    await httpd.waitForLog(/TN0090: .*'%\{file:\/etc\/hostname\}', which httpd/, { since: mark });
    await httpd.waitForLog(/TN0090: .*'%\{no:such', which httpd does not understand/, {
      since: mark,
    });
  });

  it("count for their ttl and no longer", async () => {
    const started = performance.now();
    const call = await keep("/h/shortly/a");
    let next = call;
    await waitUntil("the end of a decision", async () => {
      next = await callOf("/h/shortly/a");
      return next !== call;
    });
    assert.ok(performance.now() - started >= 400);
  });

  it("are denials too, with their headers", async () => {
    const no = header("X-Thing", "no");
    const call = await keep("/h/refusing/a", no);
    const answer = await get("/h/refusing/a", no);
    assert.equal(answer.status, 403);
    assert.equal(answer.headers["x-why"], "never on Mondays");
    assert.equal(Number(answer.headers["x-call"]), call);
    assert.equal((await get("/h/refusing/a", header("X-Thing", "yes"))).status, 200);
  });

  it("are DECLINED too", async () => {
    await keep("/h/declining/a");
    assert.equal((await get("/h/declining/a")).status, 200);
  });

  it("change the request as the hook did", async () => {
    const mark = httpd.log("access.log").mark();
    for (let turn = 0; turn < 4; turn++) {
      const answer = await get("/changing/a", header("X-Secret", "1"));
      assert.equal(answer.status, 200);
      const { headers } = JSON.parse(answer.text) as { headers: Record<string, string> };
      assert.deepEqual([headers["x-seen"], headers["x-secret"]], ["by the hook", undefined]);
      const user = Buffer.from(String(answer.headers["x-user"]), "latin1").toString();
      assert.deepEqual([user, answer.headers["x-colour"]], ["jürgen", "blue"]);
    }
    await keep("/changing/a");
    await httpd
      .log("access.log")
      .waitFor(/^\/changing\/a j\\xc3\\xbcrgen noted$/m, { since: mark });
  });

  it("are not kept when they change too much", async () => {
    httpd.expectLog("TN0092");
    const first = await callOf("/h/talkative/a");
    for (let turn = 1; turn < 5; turn++) {
      assert.equal(await callOf("/h/talkative/a"), first + turn);
    }
  });

  it("are never a Response", async () => {
    const first = await get("/h/answering/a");
    for (let turn = 0; turn < 3; turn++) {
      const next = await get("/h/answering/a");
      assert.notEqual(next.text, first.text);
    }
  });

  it("are not kept with cache=off", async () => {
    const first = await callOf("/off/a");
    for (let turn = 1; turn < 5; turn++) assert.equal(await callOf("/off/a"), first + turn);
  });

  it("of a password are of that user and password", async () => {
    httpd.expectLog("AH01617");
    const right = { headers: basic("alice", "wonder") };
    const wrong = { headers: basic("alice", "wander") };
    for (let turn = 0; turn < 5; turn++) {
      assert.equal((await get("/user/x", right)).status, 200);
      assert.equal((await get("/user/x", wrong)).status, 401);
    }
    const { calls } = await askJson<{ calls: number }>(`${httpd.url}/h/x`);
    assert.equal((await get("/user/x", wrong)).status, 401);
    assert.equal((await get("/user/x", right)).status, 200);
    assert.equal((await askJson<{ calls: number }>(`${httpd.url}/h/x`)).calls, calls);
  });

  it("of a requirement are of that user and those arguments", async () => {
    httpd.expectLog("AH01631", "AH01630");
    for (let turn = 0; turn < 4; turn++) {
      assert.equal((await get("/named/x", { headers: basic("alice", "wonder") })).status, 200);
      assert.equal((await get("/named/x", { headers: basic("bob", "wonder") })).status, 403);
      assert.equal((await get("/others/x", { headers: basic("alice", "wonder") })).status, 403);
      assert.equal((await get("/others/x", { headers: basic("bob", "wonder") })).status, 200);
      assert.equal((await get("/named/x")).status, 401);
    }
  });

  it("of a realm's hash hold no hash, and no password, that memory would show", async () => {
    const enter = async (): Promise<Answer> => {
      const challenge = String((await get("/digest/x")).headers["www-authenticate"]);
      const what = { challenge, user: "alice", password: "wonder", uri: "/digest/x" };
      return get("/digest/x", { headers: { Authorization: digestAuthorization(what) } });
    };
    for (let turn = 0; turn < 4; turn++) assert.equal((await enter()).status, 200);
    const { calls } = await askJson<{ calls: number }>(`${httpd.url}/h/x`);
    assert.equal((await enter()).status, 200);
    assert.equal((await askJson<{ calls: number }>(`${httpd.url}/h/x`)).calls, calls, "it is kept");
    await keep("/user/x", { headers: basic("alice", "wonder") });
    const [child = 0] = httpd.processes().children;
    const memory = sharedMemoryOf(child);
    const hash = createHash("md5").update("alice:digest:wonder").digest("hex");
    assert.ok(memory.includes("kept#checkPassword"), "this is the memory of the cache");
    for (const secret of [
      "wonder",
      hash,
      basic("alice", "wonder").Authorization.slice(6),
      "never on Mondays",
    ]) {
      assert.ok(!memory.includes(secret), `${secret} is in shared memory`);
    }
  });

  it("end with purgeDecisions(), at once", async () => {
    const [one, two] = [await keep("/h/byUri/p"), await keep("/h/byHeader/p")];
    await get("/h/purge");
    assert.ok((await callOf("/h/byUri/p")) > one);
    assert.ok((await callOf("/h/byHeader/p")) > two);
  });

  it("end with purgeDecisions(export), of that export", async () => {
    const [one, two] = [await keep("/h/byUri/q"), await keep("/h/byArgs/q")];
    await get("/h/purge?export=byUri");
    assert.ok((await callOf("/h/byUri/q")) > one);
    assert.equal(await callOf("/h/byArgs/q"), two);
  });

  it("end with tenon purge", async () => {
    const call = await keep("/h/byUri/r");
    const args = [`${root}ts/cli/main.ts`, "--runtime", httpd.runtime, "purge", "kept"];
    assert.equal(spawnSync(process.execPath, args).status, 0);
    assert.ok((await callOf("/h/byUri/r")) > call);
  });

  it("that were asked for before a purge are not kept behind it", async () => {
    await keep("/h/waiting/a");
    await get("/h/purge");
    const late = get("/h/waiting/a", header("X-Wait", "1"));
    await waitUntil("the question", async () => {
      return (await askJson<{ inFlight: number }>(`${httpd.url}/h/x`)).inFlight === 1;
    });
    await get("/h/purge");
    await get("/h/release");
    const call = Number((await late).headers["x-call"]);
    assert.ok((await callOf("/h/waiting/a")) > call);
  });

  it("are counted on the status page", async () => {
    const counts = async (): Promise<Map<string, number>> => {
      const { text } = await get("/server-status?auto");
      const hook = /^TenonHook\[(\d+)\]Export: kept#byUri$/m.exec(text)?.[1];
      const lines = text.matchAll(new RegExp(`^TenonHook\\[${hook}\\](Cache\\w+): (\\d+)$`, "gm"));
      return new Map(Array.from(lines, ([, name = "", value]) => [name, Number(value)]));
    };
    await keep("/h/byUri/s");
    const before = await counts();
    for (let turn = 0; turn < 5; turn++) await get("/h/byUri/s");
    await get("/h/byUri/new");
    const after = await counts();
    assert.equal((after.get("CacheHits") ?? 0) - (before.get("CacheHits") ?? 0), 5);
    assert.equal((after.get("CacheMisses") ?? 0) - (before.get("CacheMisses") ?? 0), 1);
  });

  it("end with the pool's reload, and with a restart", async () => {
    await keep("/h/byUri/t");
    await httpd.restart();
    await httpd.waitForReady("kept", 1);
    const numbers = [await callOf("/h/byUri/t"), await callOf("/h/byUri/t")];
    assert.notEqual(numbers[0], numbers[1]);
    assert.equal(await keep("/h/byUri/t"), numbers[1]);
  });
});

for (const mpm of ["prefork", "worker"] as const) {
  describe(`decisions that are kept under ${mpm}`, () => {
    it("are those of all processes, until a graceful restart", async () => {
      const httpd = await startHttpd({
        mpm,
        load: [...LOAD, "socache_shmcb"],
        text: ({ htdocs }) => sections(htdocs),
      });
      await httpd.waitForReady("kept", 1);
      try {
        const asks = async (): Promise<string[]> => {
          const all = Array.from({ length: 40 }, () => ask(`${httpd.url}/h/byNothing/x`));
          const answers = await Promise.all(all);
          return [...new Set(answers.map((answer) => String(answer.headers["x-call"])))];
        };
        await asks();
        await ask(`${httpd.url}/h/byNothing/x`);
        const kept = await asks();
        assert.equal(kept.length, 1, String(kept));
        await httpd.graceful();
        await asks();
        await ask(`${httpd.url}/h/byNothing/x`);
        const again = await asks();
        assert.equal(again.length, 1, String(again));
        assert.notDeepEqual(again, kept);
      } finally {
        await httpd.stop();
      }
    }).timeout(120_000);
  });
}

describe("decisions without a cache", () => {
  for (const [title, load, directive, tag] of [
    ["with TenonCache off", ["socache_shmcb"], "TenonCache off", undefined],
    ["with no provider loaded", [], "", "TN0092"],
  ] as const) {
    it(`are asked for each time ${title}`, async () => {
      const httpd = await startHttpd({
        load: [...LOAD, ...load],
        text: ({ htdocs }) => `${directive}\n${sections(htdocs)}`,
      });
      await httpd.waitForReady("kept", 1);
      if (tag !== undefined) httpd.expectLog(tag);
      try {
        const numbers: unknown[] = [];
        for (let turn = 0; turn < 4; turn++) {
          numbers.push((await ask(`${httpd.url}/h/byUri/a`)).headers["x-call"]);
        }
        assert.deepEqual(numbers, ["1", "2", "3", "4"]);
        if (tag !== undefined) await httpd.waitForLog(/TN0092: .*load mod_socache_shmcb/);
      } finally {
        await httpd.stop();
      }
    });
  }
});

describe("TenonCache and TenonCacheSecret", () => {
  const refused: readonly [line: string, says: RegExp][] = [
    ["TenonCache nowhere", /there is no provider 'nowhere': load mod_socache_nowhere/],
    ["TenonCache shmcb:x(1)", /TenonCache: shmcb: .*size has to be >= 8192/],
    ["TenonCacheSecret /nowhere/secret", /cannot read \/nowhere\/secret/],
    ["TenonCacheSecret htdocs/short", /has less than 16 bytes: .*openssl rand/],
    ["TenonCacheSecret htdocs/open", /others than its owner may use .*: chmod 600/],
    ["<Location />\nTenonCache off\n</Location>", /not allowed in <Location> context/],
  ];
  for (const [line, says] of refused) {
    it(`refuses ${line.split("\n")[0]}${line.includes("<") ? " … there" : ""}`, async () => {
      const { code, output } = await configtest({
        load: ["socache_shmcb"],
        text: ({ htdocs }) => {
          writeFileSync(join(htdocs, "short"), "123", { mode: 0o600 });
          writeFileSync(join(htdocs, "open"), "1234567890123456", { mode: 0o644 });
          return line;
        },
      });
      assert.notEqual(code, 0);
      assert.match(output.replaceAll(/\s+/g, " "), says);
    });
  }
});
