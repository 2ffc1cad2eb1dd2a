// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

describe("items of LogFormat", () => {
  let httpd: TestHttpd;

  before(async () => {
    const text = ({ logs }: { logs: string }): string => `${pool("a", "TenonProcesses 1 1")}
CustomLog "${join(logs, "access.log")}" "%U %{id}^tn %{UNIQUE_ID}e %{pools}^tn %{workers}^tn %{other}^tn"`;
    httpd = await startHttpd({ text });
    await httpd.waitForReady("a", 1);
  });
  after(() => httpd.stop());

  /** Makes a request and gives what the access log says of it. */
  async function logged(path: string): Promise<string[]> {
    await ask(httpd.url + path);
    const log = join(httpd.places.logs, "access.log");
    const line = (): string | undefined =>
      readFileSync(log, "utf8")
        .split("\n")
        .find((text) => text.startsWith(`${path} `));
    await waitUntil(`a line of ${path}`, () => line() !== undefined);
    return (line() ?? "").split(" ");
  }

  it("name the request's id, the pools that it was in and their workers, by slot and incarnation", async () => {
    const [, id, uniqueId, ...others] = await logged("/a/request");
    assert.match(id ?? "", /^\S{8,}$/);
    assert.equal(id, uniqueId);
    assert.deepEqual(others, ["a", "0.1", "-"]);
  });

  it("are - for a request that no pool has seen", async () => {
    const [, id, , ...others] = await logged("/nothing");
    assert.deepEqual([id, ...others], ["-", "-", "-", "-"]);
  });
});
