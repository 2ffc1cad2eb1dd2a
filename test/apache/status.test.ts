// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { ask } from "../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const text = `${pool("quiet", "TenonProcesses 0 1")}${pool("busy", "TenonProcesses 2 2\nTenonConcurrency 7")}
TenonHook fixups busy when=false
<Location "/status">
  SetHandler server-status
</Location>`;

/** Lines of ?auto, by name. */
type Report = ReadonlyMap<string, string>;

describe("the block on mod_status's page", () => {
  let httpd: TestHttpd;
  const page = async (query = ""): Promise<string> =>
    (await ask(`${httpd.url}/status${query}`)).text;
  const report = async (): Promise<Report> => {
    const lines = (await page("?auto")).split("\n").map((line) => line.split(": "));
    return new Map(lines.map(([name = "", value = ""]) => [name, value]));
  };

  before(async () => {
    httpd = await startHttpd({ text, load: ["status"] });
    await httpd.waitForReady("busy", 2);
  });
  after(() => httpd.stop());

  it("tells ?auto's readers of each pool", async () => {
    const lines = await report();
    const names = ["TenonPool[0]Name", "TenonPool[1]Name", "TenonPool[1]ProcessesMax"];
    assert.deepEqual(
      names.map((name) => lines.get(name)),
      ["quiet", "busy", "2"],
    );
    assert.equal(lines.get("TenonPool[2]Name"), undefined);
  });

  it("tells of each pool's threads of httpd, and of what was not served", async () => {
    const lines = await report();
    const names = ["Threads", "ThreadsMax", "NoThread", "QueueFull", "QueueTimeouts", "Timeouts"];
    assert.deepEqual(
      names.map((name) => lines.get(`TenonPool[1]${name}`)),
      ["0", "192", "0", "0", "0", "0"],
    );
    const told = "0 of 192 threads of httpd; not served: 0 (no thread), 0 (queue full)";
    assert.ok((await page()).includes(told));
  });

  it("tells of each worker that runs, with its pid and its state", async () => {
    const lines = await report();
    const pids = [0, 1].map((worker) => Number(lines.get(`TenonPool[1]Worker[${worker}]Pid`)));
    assert.deepEqual(pids.sort(), httpd.workersOf("busy").sort());
    assert.equal(lines.get("TenonPool[1]Worker[0]State"), "READY");
    assert.equal(lines.get("TenonPool[1]Worker[1]Capacity"), "7");
    assert.equal(lines.get("TenonPool[0]Worker[0]Pid"), undefined);
  });

  it("counts the requests that a worker has served", async () => {
    const sum = async (): Promise<number> => {
      const lines = await report();
      return [0, 1].reduce(
        (all, i) => all + Number(lines.get(`TenonPool[1]Worker[${i}]Served`)),
        0,
      );
    };
    const served = await sum();
    for (let i = 0; i < 3; i++) await ask(`${httpd.url}/busy/request`);
    await waitUntil("the count", async () => (await sum()) === served + 3);
  });

  it("tells of hooks", async () => {
    const lines = await report();
    const names = ["Phase", "Export", "Asked", "Failed", "CacheHits", "CacheMisses"];
    assert.deepEqual(
      names.map((name) => lines.get(`TenonHook[0]${name}`)),
      ["fixups", "busy#fixups", "0", "0", "0", "0"],
    );
  });

  it("is a table on the page, and text without tables for ?notable", async () => {
    const html = await page();
    assert.match(html, /<h2>Tenon<\/h2>/);
    assert.match(html, /<h3>Pool busy<\/h3>\n<p>.*, generation 1, 2 to 2 workers of 7 requests/);
    const [pid] = httpd.workersOf("busy");
    assert.ok(html.includes(`<td>READY</td><td>${pid}</td>`), html);
    const plain = await page("?notable");
    assert.ok(plain.includes(`READY  ${pid}  `), plain);
    assert.ok(!plain.slice(plain.indexOf("<h2>Tenon")).includes("<table"));
  });
});
