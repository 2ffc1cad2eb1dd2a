// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Log } from "../../ts/log.ts";
import { parseConfig } from "../../ts/settings/load.ts";
import { CurrentGeneration, type FailedWorker } from "../../ts/supervisor/current-generation.ts";
import { configurePools, type PoolConfiguration } from "../../ts/supervisor/pool-configuration.ts";
import { poolUser } from "./supervised.ts";

describe("ts/supervisor/current-generation.ts", () => {
  let directory: string;
  let lines: string[];
  let generation: CurrentGeneration;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "tenon-generation-"));
    lines = [];
    const log = new Log({ level: 7, pid: 1, write: (line) => lines.push(line) });
    const configuration = configurationOf();
    generation = new CurrentGeneration({ directory, configuration, inherited: undefined, log });
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function configurationOf(): PoolConfiguration {
    const ids = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const parent = { pid: process.pid, ...ids };
    const pools = [{ name: "hello", app: "/srv/app.ts", user: poolUser, directory: "/srv" }];
    const config = parseConfig(
      JSON.stringify({ version: 1, parent, host: ids, logLevel: 7, pools }),
    );
    const [configuration] = configurePools(config, ids.uid, {});
    assert.ok(configuration !== undefined);
    return configuration;
  }

  /** A worker of a generation that ended before it was ready. */
  function unready(number: number): FailedWorker {
    return { generation: number, readyMs: undefined, failure: "TENON_ERR_X: broken" };
  }

  it("does not start when a worker that was never ready ends, which is logged once and shown each time", () => {
    generation.begin(generation.configuration, "together", 2);
    const goesOn = "generation 2 does not start, 1 goes on serving until the next change";
    assert.equal(generation.failed(unready(2), 1), `${goesOn}: TENON_ERR_X: broken`);
    const other = { ...unready(2), failure: undefined };
    assert.equal(generation.failed(other, 1), `${goesOn}: it ended while it started`);
    assert.equal(generation.failure, "it ended while it started");
    const [line, ...others] = lines;
    assert.match(line ?? "", /TN0262: \[hello\] generation 2 does not start, 1 goes on serving/);
    assert.deepEqual(others, []);
  });

  it("says nothing where no other serves: the worker's own failure is logged", () => {
    assert.equal(generation.failed(unready(1), undefined), undefined);
    assert.equal(generation.failure, "TENON_ERR_X: broken");
    assert.deepEqual(lines, []);
  });

  it("does start when it has had a worker that was ready, whatever becomes of others", () => {
    generation.started();
    assert.equal(generation.failed(unready(1), 1), undefined);
    assert.equal(generation.failure, undefined);
    assert.deepEqual(lines, []);
  });

  it("is not judged by workers of others, nor by those that served", () => {
    generation.begin(generation.configuration, "together", 1);
    generation.failed(unready(1), 1);
    generation.failed({ ...unready(2), readyMs: 5 }, 1);
    assert.equal(generation.failure, undefined);
  });

  it("is another one from its beginning on", () => {
    generation.started();
    generation.postpone(1000);
    generation.begin(generation.configuration, "strict", 3);
    assert.deepEqual([generation.number, generation.notBefore], [2, 0]);
    assert.deepEqual(generation.succession, { kind: "strict", target: 3 });
    generation.failed(unready(2), undefined);
    assert.equal(generation.failure, "TENON_ERR_X: broken");
    generation.begin(generation.configuration, "rolling", 3);
    assert.equal(generation.failure, undefined);
  });

  it("ends a strict succession with its first worker, others with the last of their predecessor", () => {
    const oneByOne = generation.succession;
    generation.begin(generation.configuration, "strict", 3);
    generation.succeeded();
    assert.equal(generation.succession.kind, "strict");
    generation.started();
    assert.deepEqual(generation.succession, oneByOne);
    generation.begin(generation.configuration, "rolling", 3);
    generation.started();
    assert.equal(generation.succession.kind, "rolling");
    generation.succeeded();
    assert.deepEqual(generation.succession, oneByOne);
  });

  it("keeps what it and those with workers are made from for a successor of the supervisor", () => {
    for (const _ of [2, 3, 4]) generation.begin(generation.configuration, "together", 1);
    generation.forget([2]);
    assert.deepEqual(readdirSync(directory).sort(), ["generation-2.json", "generation-4.json"]);
  });
});
