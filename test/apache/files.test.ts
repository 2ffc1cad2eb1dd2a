// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, type Ask, ask, askJson, exchangeBytes } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { linksOf, readBytes, waitUntil } from "../helpers/processes.ts";

const SIZE = 1_000_000;
const content = randomBytes(SIZE);
const ETAG = '"one"';
const DATE = "Sun, 06 Nov 1994 08:49:37 GMT";

describe("files that a worker hands to httpd", () => {
  let httpd: TestHttpd;
  let folder: string;
  let big: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-files-"));
    chmodSync(folder, 0o755);
    big = join(folder, "big.bin");
    writeFileSync(big, content);
    utimesSync(big, new Date(DATE), new Date(DATE));
    writeFileSync(join(folder, "small.txt"), "a small file");
    writeFileSync(join(folder, "empty"), "");
    httpd = await startHttpd({
      text:
        pool(
          "files",
          `TenonProcesses 1 1\n TenonEnv FILES_ROOT "${folder}"`,
          join(root, "test/applications/files.ts"),
        ) + pool("web", "TenonProcesses 1 1", join(root, "test/applications/files-fetch.ts")),
    });
    await Promise.all([httpd.waitForReady("files", 1), httpd.waitForReady("web", 1)]);
  });
  after(async () => {
    await httpd.stop();
    rmSync(folder, { recursive: true });
  });

  function url(route: string, path = big, more = ""): string {
    return `${httpd.url}/${route}?path=${encodeURIComponent(path)}${more}`;
  }

  function get(route: string, headers: Record<string, string> = {}, more = ""): Promise<Answer> {
    return ask(url(route, big, more), { headers });
  }

  /** Asks, and says whether the worker read the body itself. */
  async function askRead(
    route: string,
    path = big,
    options: Ask = {},
  ): Promise<{ answer: Answer; read: boolean }> {
    const [pid] = httpd.workersOf(route.split("/")[0] ?? "");
    assert.ok(pid !== undefined);
    const before = readBytes(pid);
    const answer = await ask(url(route, path), options);
    return { answer, read: readBytes(pid) - before > answer.body.length / 2 };
  }

  /** Asks over a connection of its own that may be cut off. */
  function cut(
    route: string,
    more: string,
    onText?: (text: string) => void,
  ): ReturnType<typeof exchangeBytes> {
    const { pathname, search } = new URL(url(route, big, more));
    const bytes = `GET ${pathname}${search} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    return exchangeBytes(httpd.places.port, bytes, onText);
  }

  const handedOver = [
    "files/pipe",
    "files/pipeline",
    "files/handle",
    "files/shared",
    "files/express",
    "files/api",
    "files/opened",
    "web/web",
    "web/handle",
    "web/api",
  ];
  for (const route of handedOver) {
    it(`hands the file of ${route} over`, async () => {
      const { answer, read } = await askRead(route);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-length"], String(SIZE));
      assert.equal(answer.headers["accept-ranges"], "bytes");
      assert.ok(answer.body.equals(content));
      assert.equal(read, false);
    });
  }

  it("hands over what express.static sends", async () => {
    const answer = await ask(`${httpd.url}/files/static/big.bin`);
    assert.equal(answer.status, 200);
    assert.ok(answer.body.equals(content));
    const { headers } = answer;
    const again = await ask(`${httpd.url}/files/static/big.bin`, {
      headers: { "If-None-Match": headers["etag"] ?? "" },
    });
    assert.equal(again.status, 304);
    const part = await ask(`${httpd.url}/files/static/big.bin`, {
      headers: { Range: "bytes=100000-399999" },
    });
    assert.equal(part.status, 206);
    assert.equal(part.headers["content-range"], `bytes 100000-399999/${SIZE}`);
    assert.ok(part.body.equals(content.subarray(100_000, 400_000)));
  });

  const readByTheWorker = [
    ["files/overridden", Buffer.from(content.toString("latin1").toUpperCase(), "latin1")],
    ["files/watched", content],
    ["files/through", content],
    ["files/encoded", Buffer.from(content.toString("latin1"), "utf8")],
    ["web/begun", content.subarray(65_536)],
  ] as const;
  for (const [route, expected] of readByTheWorker) {
    it(`lets the worker read the file of ${route}`, async () => {
      const { answer, read } = await askRead(route);
      assert.ok(answer.body.equals(expected), `${answer.body.length} bytes`);
      assert.equal(read, true);
    });
  }

  it("takes no descriptor of a file system that is not node's for one of the system", async () => {
    assert.equal((await get("files/custom")).text, "not a file of the system");
  });

  it("sends small and empty files, and says that there is none", async () => {
    for (const route of ["files/pipe", "files/pipeline", "files/express", "files/api", "web/api"]) {
      assert.equal((await ask(url(route, join(folder, "small.txt")))).text, "a small file", route);
      assert.equal((await ask(url(route, join(folder, "empty")))).text, "", route);
    }
    for (const route of ["files/pipe", "files/express", "files/api"]) {
      assert.equal((await ask(url(route, join(folder, "none")))).status, 404, route);
    }
  });

  it("hands small files over that the explicit API sends", async () => {
    const headers = { Range: "bytes=2-6" };
    for (const route of ["files/api", "web/api"]) {
      const answer = await ask(url(route, join(folder, "small.txt")), { headers });
      assert.deepEqual([answer.status, answer.text], [206, "small"], route);
    }
  });

  it("respects start and end, and the position of an open file", async () => {
    const part = await get("files/pipe", {}, "&start=100&end=200099");
    assert.ok(part.body.equals(content.subarray(100, 200_100)));
    assert.ok((await get("files/handle", {}, "&start=7")).body.equals(content.subarray(7)));
    assert.ok((await get("files/position")).body.equals(content.subarray(10)));
    assert.ok((await get("web/part")).body.equals(content.subarray(100, 200_100)));
    assert.ok((await get("files/api", {}, "&start=999990")).body.equals(content.subarray(999_990)));
  });

  it("mixes files with other pieces of a body", async () => {
    const between = await get("files/between");
    const expected = [Buffer.from("before "), content, Buffer.from(" behind")];
    assert.ok(between.body.equals(Buffer.concat(expected)));
    assert.ok((await get("files/two")).body.equals(Buffer.concat([content, content])));
  });

  it("sends trailers behind a file", async () => {
    const answer = await get("files/trailers", { TE: "trailers" });
    assert.ok(answer.body.equals(content));
  });

  it("has stream and response go through the events of node:http", async () => {
    await get("files/events", {}, "&key=one");
    const seen = await askJson<string[]>(`${httpd.url}/files/seen?key=one`);
    assert.deepEqual(
      seen.filter((name) => !name.startsWith("file close")),
      ["file open", "file end", "prefinish", "finish", "close", `${SIZE} bytes`],
    );
  });

  it("answers HEAD without a body and with the application's head", async () => {
    for (const route of ["files/pipe", "files/express", "files/api", "web/web", "web/api"]) {
      const answer = await ask(url(route), { method: "HEAD" });
      assert.deepEqual([answer.status, answer.body.length], [200, 0], route);
    }
  });

  it("sends no body with 204 and 304", async () => {
    for (const status of [204, 304]) {
      const answer = await get("files/pipe", {}, `&status=${status}`);
      assert.deepEqual([answer.status, answer.body.length], [status, 0]);
    }
  });

  it("sends no more of a file than the application declares, and never less as if it were all", async () => {
    const less = await get("files/pipe", {}, "&header=Content-Length: 500000");
    assert.ok(less.body.equals(content.subarray(0, 500_000)));
    httpd.expectLog("TN0006");
    const { text, ended } = await cut("files/pipe", "&header=Content-Length:+1000001");
    assert.ok(/^HTTP.1.1 502 /.test(text) || ended === "reset", text.slice(0, 200));
  });

  describe("ranges and conditions", () => {
    const validators = `&header=ETag: ${encodeURIComponent(ETAG)}&header=Last-Modified: ${DATE}`;
    const from = (headers: Record<string, string>, route = "files/pipe"): Promise<Answer> =>
      get(route, headers, validators);

    for (const [range, start, end] of [
      ["bytes=0-0", 0, 1],
      ["bytes=100-199", 100, 200],
      ["bytes=-1000", SIZE - 1000, SIZE],
      ["bytes=999000-", 999_000, SIZE],
      ["bytes=500000-9999999", 500_000, SIZE],
    ] as const) {
      it(`serves ${range}`, async () => {
        for (const route of ["files/pipe", "files/handle", "web/web", "web/api"]) {
          const answer = await from({ Range: range }, route);
          assert.equal(answer.status, 206, route);
          assert.equal(answer.headers["content-range"], `bytes ${start}-${end - 1}/${SIZE}`);
          assert.equal(answer.headers["content-length"], String(end - start));
          assert.ok(answer.body.equals(content.subarray(start, end)));
        }
      });
    }

    it("serves several ranges", async () => {
      const answer = await from({ Range: "bytes=0-9,500000-500009,-10" });
      assert.equal(answer.status, 206);
      assert.match(answer.headers["content-type"] ?? "", /^multipart\/byteranges; boundary=/);
      for (const start of [0, 500_000, SIZE - 10]) {
        const part = content.subarray(start, start + 10).toString("latin1");
        const head = `Content-range: bytes ${start}-${start + 9}/${SIZE}\r\n\r\n`;
        assert.ok(answer.text.toLowerCase().includes((head + part).toLowerCase()));
      }
    });

    it("answers 416 to a range that the file does not have", async () => {
      const answer = await from({ Range: "bytes=2000000-" });
      assert.equal(answer.status, 416);
    });

    it("serves a range only while If-Range names the present file", async () => {
      const range = { Range: "bytes=0-9" };
      assert.equal((await from({ ...range, "If-Range": ETAG })).status, 206);
      assert.equal((await from({ ...range, "If-Range": DATE })).status, 206);
      const other = await from({ ...range, "If-Range": '"two"' });
      assert.equal(other.status, 200);
      assert.ok(other.body.equals(content));
    });

    it("judges conditions by the application's validators", async () => {
      const status = async (headers: Record<string, string>): Promise<number> =>
        (await from(headers)).status;
      assert.equal(await status({ "If-None-Match": ETAG }), 304);
      assert.equal(await status({ "If-None-Match": '"two"' }), 200);
      assert.equal(await status({ "If-Modified-Since": DATE }), 304);
      assert.equal(await status({ "If-Match": ETAG }), 200);
      assert.equal(await status({ "If-Match": '"two"' }), 412);
      const early = "Sat, 05 Nov 1994 08:49:37 GMT";
      assert.equal(await status({ "If-Modified-Since": early }), 200);
      assert.equal(await status({ "If-Unmodified-Since": early }), 412);
    });

    it("lets conditions on dates alone where the application says no date", async () => {
      for (const name of ["If-Modified-Since", "If-Unmodified-Since"]) {
        assert.equal((await get("files/pipe", { [name]: DATE })).status, 200);
        const tagged = `&header=ETag: ${encodeURIComponent(ETAG)}`;
        assert.equal((await get("files/pipe", { [name]: DATE }, tagged)).status, 200);
      }
      const tagged = `&header=ETag: ${encodeURIComponent(ETAG)}`;
      assert.equal((await get("files/pipe", { "If-None-Match": ETAG }, tagged)).status, 304);
    });

    it("judges by what the explicit API says of the file", async () => {
      for (const route of ["files/api", "web/api"]) {
        const { headers } = await get(route);
        assert.equal(headers["last-modified"], DATE, route);
        const etag = headers["etag"] ?? "";
        assert.equal((await get(route, { "If-None-Match": etag })).status, 304, route);
        const part = await get(route, { "If-Range": etag, Range: "bytes=5-9" });
        assert.equal(part.status, 206, route);
      }
    });

    it("leaves alone what the application has decided", async () => {
      const range = { Range: "bytes=0-9", "If-None-Match": ETAG };
      for (const more of ["&status=201", "&status=404"]) {
        const answer = await get("files/pipe", range, validators + more);
        assert.equal(answer.status, Number(more.slice(-3)));
        assert.ok(answer.body.equals(content));
      }
      const own = await get("files/pipe", range, "&header=Content-Range: bytes 0-999999/1000000");
      assert.equal(own.status, 200);
      const none = await get("files/pipe", { Range: "bytes=0-9" }, "&header=Accept-Ranges: none");
      assert.deepEqual([none.status, none.headers["accept-ranges"]], [200, "none"]);
      const posted = await ask(url("files/pipe", big, validators), {
        method: "POST",
        headers: range,
      });
      assert.ok(posted.status === 200 && posted.body.equals(content));
    });
  });

  it("leaves no descriptor open in worker or httpd", async () => {
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => get("files/pipe")));
      assert.ok(answers.every(({ body }) => body.equals(content)));
    }
    const processes = [...httpd.processes().children, ...httpd.workersOf("files")];
    const open = (): string[] => processes.flatMap(linksOf).filter((path) => path === big);
    // What is kept is the application's own: the handle that /shared uses.
    await waitUntil("the end of all downloads", () => open().length <= 1);
  });
});
