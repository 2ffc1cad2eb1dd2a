// SPDX-License-Identifier: Apache-2.0
// What the suites under sanitizers rest on: a fault in a module of httpd is seen and reported (scripts/test.ts).
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PrivateHttpd } from "../../ts/cli/private-httpd.ts";
import { ask } from "../helpers/http-client.ts";
import { pool, startHttpd } from "../helpers/httpd.ts";
import { environmentOf } from "../helpers/processes.ts";
import {
  buildShared,
  clearReports,
  sanitizerEnvironment,
  sanitizerFlags,
  sanitizerReports,
  UNDEFINED,
} from "../helpers/sanitizers.ts";

const faults = [
  ["overflow", /AddressSanitizer: heap-buffer-overflow.*faulty\.c/s],
  ["after-the-pool", /AddressSanitizer: heap-use-after-free.*faulty\.c/s],
  ["after-the-bucket", /AddressSanitizer: heap-use-after-free.*faulty\.c/s],
] as const;

describe("an httpd with a module under sanitizers", () => {
  let folder: string;
  let reports: string;
  let environment: NodeJS.ProcessEnv;
  let httpd: PrivateHttpd;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-sanitizers-"));
    chmodSync(folder, 0o711);
    const memory = join(folder, "separate-memory.so");
    buildShared("separate-memory.c", memory);
    buildShared("faulty.c", join(folder, "faulty.so"), sanitizerFlags);
    reports = join(folder, "reports");
    environment = sanitizerEnvironment(reports, memory);
    const text = `LoadModule faulty_module "${join(folder, "faulty.so")}"`;
    httpd = await PrivateHttpd.start({ environment, text });
  });
  beforeEach(() => clearReports(reports));
  after(async () => {
    await httpd.stop();
    rmSync(folder, { recursive: true });
  });

  it("serves, and reports nothing, without a fault", async () => {
    assert.equal((await ask(`${httpd.url}/`)).text, "no fault\n");
    assert.deepEqual(sanitizerReports(reports), []);
  });

  for (const [name, report] of faults) {
    it(`writes a report of the fault "${name}"`, async () => {
      await assert.rejects(ask(`${httpd.url}/${name}`));
      assert.match(sanitizerReports(reports).join(""), report);
    });
  }

  it("logs behaviour that is undefined", async () => {
    await assert.rejects(ask(`${httpd.url}/undefined`));
    assert.match(await httpd.log.waitFor(UNDEFINED), /faulty\.c.*signed integer overflow/);
    assert.deepEqual(sanitizerReports(reports), []);
  });

  it("hands nothing of it to supervisor and workers", async () => {
    const tenon = await startHttpd({ environment, text: pool("probe", "TenonProcesses 1 1") });
    try {
      await tenon.waitForReady("probe", 1);
      const { parent, supervisor, workers } = tenon.processes();
      assert.equal(workers.length, 1);
      assert.match(readFileSync(`/proc/${parent}/maps`, "latin1"), /libasan/);
      for (const pid of [supervisor, ...workers]) {
        assert.doesNotMatch(readFileSync(`/proc/${pid}/maps`, "latin1"), /libasan|separate-memory/);
        assert.doesNotMatch(Object.keys(environmentOf(pid)).join(" "), /PRELOAD|ASAN/);
      }
    } finally {
      await tenon.stop();
    }
  });
});
