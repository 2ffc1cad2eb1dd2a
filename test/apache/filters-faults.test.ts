// SPDX-License-Identifier: Apache-2.0
// Filters that fail, hang or die, clients that go, and bodies without end.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { HttpdPlaces } from "../../ts/cli/private-httpd.ts";
import { type Answer, ask, head, open } from "../helpers/http-client.ts";
import { root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { privateMemory, waitUntil } from "../helpers/processes.ts";

const application = join(root, "test", "applications", "filters.ts");
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const FAULTS = ["fails", "failsLate", "hangs", "hangsLate", "dies", "diesLate", "wrong"];
/** Workers of the pools whose workers die: as many as the tests end, since the supervisor takes its time with more. */
const MORTALS: Record<string, number> = { dies: 6, diesLate: 4, "in-dies": 4 };
const ON_ERROR: Record<string, string> = {
  "": "",
  declined: "on-error=decline",
  denied: "on-error=deny",
};

/** One child and one worker, so that all memory is in two processes. */
const ONE_CHILD =
  "StartServers 1\nServerLimit 1\nThreadsPerChild 16\nMaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16";

function letters(size: number): string {
  return "The quick brown fox. ".repeat(Math.ceil(size / 21)).slice(0, size);
}

function poolOf(name: string): string {
  return MORTALS[name] === undefined ? "app" : name;
}

function configuration({ htdocs }: HttpdPlaces): string {
  mkdirSync(join(htdocs, "files"));
  writeFileSync(join(htdocs, "files", "small.txt"), letters(100));
  writeFileSync(join(htdocs, "files", "large.txt"), letters(MIB));
  writeFileSync(
    join(htdocs, "files", "page.shtml"),
    'a <!--#include virtual="/fails/small.txt" --> b',
  );
  const sections = FAULTS.flatMap((name) =>
    Object.entries(ON_ERROR).map(
      ([suffix, option]) => `Alias /${name}${suffix} "${htdocs}/files"
<Location "/${name}${suffix}">
  TenonHook output_filter ${poolOf(name)}#${name} timeout=500ms ${option}
</Location>
<Location "/tenon/${name}${suffix}">
  TenonHook output_filter ${poolOf(name)}#${name} timeout=500ms ${option}
  SetHandler tenon:app
</Location>`,
    ),
  );
  const good = ["upper", "identity", "endless", "recut", "slowly"].map(
    (name) => `<Location "/tenon/${name}">
  TenonHook output_filter app#${name}
  SetHandler tenon:app
</Location>`,
  );
  const bodies = ["fails", "hangs", "dies", "upperBody", "hangsLate"].map(
    (name) => `<Location "/tenon/in-${name}">
  TenonHook input_filter ${poolOf(`in-${name}`)}#${name} timeout=500ms
  SetHandler tenon:app
</Location>
<Location "/tenon/in-${name}-declined">
  TenonHook input_filter ${poolOf(`in-${name}`)}#${name} timeout=500ms on-error=decline
  SetHandler tenon:app
</Location>`,
  );
  const mortals = Object.entries(MORTALS).map(
    ([name, count]) => `<TenonPool ${name}>
  TenonApp "${application}"
  TenonProcesses ${count} ${count}
</TenonPool>`,
  );
  return `LogLevel tenon:debug include:crit
TypesConfig /dev/null
AddOutputFilter INCLUDES .shtml
<Directory "${htdocs}/files">
  Options +Includes
</Directory>
<TenonPool app>
  TenonApp "${application}"
  TenonProcesses 2 2
</TenonPool>
${mortals.join("\n")}
Alias /unclear "${htdocs}/files"
# httpd says by itself, without a tag, that it cannot evaluate an expression.
<LocationMatch "unclear">
  LogLevel tenon:crit
</LocationMatch>
<Location "/unclear">
  TenonHook output_filter app#upper "when=file('/nowhere') == 'x'"
</Location>
Alias /unclear-declined "${htdocs}/files"
<Location "/unclear-declined">
  TenonHook output_filter app#upper "when=file('/nowhere') == 'x'" on-error=decline
</Location>
<Location "/tenon/unclear">
  TenonHook input_filter app#upperBody "when=file('/nowhere') == 'x'"
  SetHandler tenon:app
</Location>
${sections.join("\n")}
${good.join("\n")}
${bodies.join("\n")}
Alias /page "${htdocs}/files"`;
}

describe("faults of filters", () => {
  let httpd: TestHttpd;
  before(async () => {
    httpd = await startHttpd({
      tls: true,
      load: ["alias", "include", "mime"],
      text: configuration,
    });
    await httpd.waitForReady("app", 2);
    for (const [name, count] of Object.entries(MORTALS)) await httpd.waitForReady(name, count);
    httpd.expectLog(
      "TN0004",
      "TN0006",
      "TN0007",
      "TN0008",
      "TN0009",
      "TN0214",
      "TN0215",
      "TN0216",
      "TN0218",
    );
  });
  after(() => httpd.stop());

  const get = (path: string): Promise<Answer> => ask(`${httpd.url}${path}`);

  async function cutOff(path: string): Promise<string> {
    const request = open(`${httpd.url}${path}`).on("error", () => undefined);
    const response = await head(request.end());
    let text = "";
    await assert.rejects(async () => {
      for await (const piece of response) text += piece;
    });
    return text;
  }

  for (const [name, status] of [
    ["fails", 502],
    ["wrong", 502],
    ["hangs", 504],
  ] as const) {
    for (const file of ["small.txt", "large.txt"]) {
      it(`answers ${status}, or as configured, when a filter ${name} before anything was sent of ${file}`, async () => {
        const answer = await get(`/${name}/${file}`);
        assert.equal(answer.status, status);
        assert.doesNotMatch(answer.text, /quick brown/);
        const denied = await get(`/${name}denied/${file}`);
        assert.equal(denied.status, 503);
        assert.equal(denied.headers["retry-after"], "1");
        const declined = await get(`/${name}declined/${file}`);
        assert.equal(declined.status, 200);
        assert.equal(declined.text, letters(file === "small.txt" ? 100 : MIB));
      });
    }

    it(`answers ${status} when it ${name} over an application's answer`, async () => {
      assert.equal((await get(`/tenon/${name}/bytes?count=300000`)).status, status);
    });
  }

  it("answers 502, or as configured, when a filter ends its worker, and the next one that tries", async () => {
    assert.equal((await get("/dies/small.txt")).status, 502);
    const declined = await get("/diesdeclined/large.txt");
    assert.equal(declined.status, 200);
    assert.equal(declined.text, letters(MIB));
    httpd.expectLog("TN0216");
  });

  for (const name of ["failsLate", "hangsLate", "diesLate"]) {
    for (const suffix of ["", "declined"]) {
      it(`cuts an answer off when a filter ${name}${suffix}, over HTTP/1.1 and HTTP/2`, async () => {
        assert.match(await cutOff(`/${name}${suffix}/large.txt`), /^begun /);
        const session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
        const stream = session.request({ ":path": `/tenon/${name}${suffix}/bytes?count=300000` });
        const closed = once(stream, "close").catch(() => undefined);
        stream.on("error", () => undefined).resume();
        await closed;
        assert.notEqual(stream.rstCode, http2.constants.NGHTTP2_NO_ERROR);
        session.destroy();
      });
    }
  }

  it("answers as configured when it cannot be told whether to filter", async () => {
    assert.equal((await get("/unclear/small.txt")).status, 500);
    assert.equal((await get("/unclear-declined/small.txt")).text, letters(100));
    const options = { method: "POST", body: "abc" };
    assert.equal((await ask(`${httpd.url}/tenon/unclear/echo`, options)).status, 500);
  });

  it("cuts the answer off when what it filters is cut off", async () => {
    assert.match(await cutOff("/tenon/upper/broken"), /^(BEGUN )?$/);
  });

  it("cuts a page off, or answers with an error, when the filter of a part fails", async () => {
    const answer = await get("/page/page.shtml").catch((error: Error) => error);
    if (!(answer instanceof Error)) assert.notEqual(answer.status, 200);
  });

  it("tells the filter when the client goes", async () => {
    for (let count = 1; count <= 4; count++) {
      const response = await head(open(`${httpd.url}/tenon/endless/status?code=200`).end());
      await once(response, "data");
      response.destroy();
    }
    // The workers' counts together: each says its own.
    let most = 0;
    for (let at = 0; at < 200 && most === 0; at++) {
      most = Math.max(most, Number((await get("/tenon/upper/cancelled")).text));
      await delay(10);
    }
    assert.ok(most > 0, "no filter was told");
  });

  it("notices a client that goes while the filter is silent", async () => {
    const before = httpd
      .log()
      .lines()
      .filter((line) => line.includes("TN0132")).length;
    const request = open(`${httpd.url}/hangs/small.txt`)
      .on("error", () => undefined)
      .end();
    await once(request, "finish");
    await delay(50);
    request.destroy();
    await waitUntil(
      "TN0132",
      () =>
        httpd
          .log()
          .lines()
          .filter((line) => line.includes("TN0132")).length > before,
    );
  });

  it("gives the reference's bytes for all chunkings", async () => {
    await Promise.all(
      Array.from({ length: 24 }, async (_, seed) => {
        const count = 1 + seed * 17_011;
        const query = `random?count=${count}&seed=${seed + 1}`;
        const plain = await get(`/tenon/identity/${query}`);
        assert.equal(plain.body.length, count);
        const cut = await get(`/tenon/recut/${query}`);
        assert.ok(cut.text === plain.text.toUpperCase(), `seed ${seed}`);
      }),
    );
  });

  it("survives a graceful restart in the middle", async () => {
    const response = await head(open(`${httpd.url}/tenon/slowly/bytes?count=${4 * MIB}`).end());
    await once(response, "data");
    await httpd.graceful();
    let bytes = 0;
    for await (const piece of response) bytes += piece.length;
    assert.ok(bytes > 3 * MIB);
  });

  for (const [name, status] of [
    ["fails", 502],
    ["hangs", 504],
    ["dies", 502],
  ] as const) {
    it(`answers ${status}, or as configured, when an input filter ${name}`, async () => {
      for (const size of name === "dies" ? [10] : [10, 300_000]) {
        const options = { method: "PUT", body: letters(size) };
        assert.equal((await ask(`${httpd.url}/tenon/in-${name}/echo`, options)).status, status);
        const declined = await ask(`${httpd.url}/tenon/in-${name}-declined/echo`, options);
        assert.equal(declined.status, 200);
        assert.equal(declined.text, letters(size));
      }
    });
  }
});

describe("memory of filters", () => {
  let httpd: TestHttpd;
  before(async () => {
    httpd = await startHttpd({
      size: ONE_CHILD,
      text: ({ htdocs }) => {
        const file = join(htdocs, "gib.bin");
        writeFileSync(file, "");
        truncateSync(file, GIB);
        return `<TenonPool app>
  TenonApp "${application}"
  TenonProcesses 1 1
</TenonPool>
<Location "/gib.bin">
  TenonHook output_filter app#identity
</Location>
<Location "/in">
  TenonHook input_filter app#identity
  SetHandler tenon:app
</Location>`;
      },
    });
    await httpd.waitForReady("app", 1);
  });
  after(() => httpd.stop());

  async function growth(run: () => Promise<void>): Promise<number[]> {
    const { children, workers } = httpd.processes();
    const pids = [...children, ...workers];
    const start = pids.map(privateMemory);
    const most = [...start];
    const look = (): void =>
      pids.forEach((pid, at) => {
        most[at] = Math.max(most[at] ?? 0, privateMemory(pid));
      });
    const timer = setInterval(look, 50);
    try {
      await run();
      look();
    } finally {
      clearInterval(timer);
    }
    return most.map((bytes, at) => bytes - (start[at] ?? 0));
  }

  async function download(most: number, slow = false): Promise<void> {
    const response = await head(open(`${httpd.url}/gib.bin`).end());
    const hash = createHash("sha1");
    let bytes = 0;
    for await (const piece of response) {
      bytes += piece.length;
      if (!slow) hash.update(piece);
      else await delay(1);
      if (bytes >= most) break;
    }
    assert.ok(bytes >= most);
  }

  it("filters 1 GiB with flat memory", async function () {
    this.timeout(240_000);
    await download(128 * MIB);
    const grown = await growth(() => download(GIB));
    for (const bytes of grown)
      assert.ok(bytes < 24 * MIB, `grew by ${grown.map((each) => each / MIB)} MiB`);
  });

  it("filters for a slow client with flat memory", async function () {
    this.timeout(240_000);
    const grown = await growth(() => download(48 * MIB, true));
    for (const bytes of grown)
      assert.ok(bytes < 24 * MIB, `grew by ${grown.map((each) => each / MIB)} MiB`);
  });

  it("filters an upload of 256 MiB with flat memory", async function () {
    this.timeout(240_000);
    const upload = async (count: number): Promise<void> => {
      const request = open(`${httpd.url}/in/pipe`, { method: "POST" });
      const answered = head(request);
      const piece = Buffer.alloc(65_536);
      let bytes = 0;
      const read = answered.then(async (response) => {
        for await (const part of response) bytes += part.length;
      });
      for (let sent = 0; sent < count; sent += piece.length) {
        if (!request.write(piece)) await once(request, "drain");
      }
      request.end();
      await read;
      assert.equal(bytes, count);
    };
    await upload(32 * MIB);
    const grown = await growth(() => upload(256 * MIB));
    for (const bytes of grown)
      assert.ok(bytes < 24 * MIB, `grew by ${grown.map((each) => each / MIB)} MiB`);
  });
});
