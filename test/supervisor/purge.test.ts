// SPDX-License-Identifier: Apache-2.0
// Ways to end the time of decisions, up to the words that httpd reads (test/apache/auth/decisions.test.ts goes on from there).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { ScoreboardHeader, ScoreboardSize } from "../../ts/wire/protocol.ts";
import type { Scoreboard } from "../../ts/wire/scoreboard.ts";
import { root } from "../helpers/httpd.ts";
import { processesIn, waitUntil } from "../helpers/processes.ts";
import { mapBoard } from "./boards.ts";
import { Supervised } from "./supervised.ts";

const APPLICATION = `
import { purgeDecisions } from "tenon";
process.on("SIGTERM", () => {
  purgeDecisions("leaving");
  process.exit();
});
export default {
  fetch(request: Request): Response {
    const name = new URL(request.url).searchParams.get("export");
    purgeDecisions(name ?? undefined);
    return new Response(String(Date.now()));
  },
};
`;

/** Times in the words, ms: of the whole pool, then of each group of exports. */
function purges(board: Scoreboard): number[] {
  const groups = Array.from(
    { length: ScoreboardSize.PURGE_GROUPS },
    (_, group) => ScoreboardHeader.EXPORTS_PURGED + 2 * group,
  );
  return [ScoreboardHeader.PURGED, ...groups].map((word) => {
    const at = (number: number): number => board.header(number as ScoreboardHeader);
    return at(word) * 2 ** 32 + at(word + 1);
  });
}

function tenon(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [`${root}ts/cli/main.ts`, ...args], { encoding: "utf8" });
}

describe("a purge of decisions", () => {
  let run: Supervised;
  let started: number;

  beforeEach(async () => {
    started = Date.now();
    run = new Supervised();
    const app = run.app("app.ts", APPLICATION);
    run.write({ name: "Hello", app, processesMin: 1, processesMax: 1 });
    run.start();
    await run.log.waitFor(/TN0211/);
  });

  afterEach(async () => {
    const { folder } = run;
    await run[Symbol.asyncDispose]();
    assert.deepEqual(processesIn(folder), [], "no process is left");
  });

  const board = (): Scoreboard => mapBoard(run.path("Hello", "scoreboard"));

  it("comes with each new scoreboard, for the whole pool", () => {
    const [pool = 0, ...groups] = purges(board());
    assert.ok(pool >= started && pool <= Date.now(), String(pool));
    assert.deepEqual([...new Set(groups)], [0]);
  });

  it("is done by purgeDecisions() before it returns", async () => {
    const before = Date.now();
    const after = Number(await run.get("Hello", "/"));
    const [pool = 0, ...groups] = purges(board());
    assert.ok(pool >= before && pool <= after, String(pool));
    assert.deepEqual([...new Set(groups)], [0]);
  });

  it("is of one group of exports when purgeDecisions() names one", async () => {
    const [pool] = purges(board());
    const before = Date.now();
    const after = Number(await run.get("Hello", "/?export=fixups"));
    const [same, ...groups] = purges(board());
    const [purged = 0, ...more] = groups.filter((time) => time !== 0);
    assert.equal(same, pool);
    assert.ok(purged >= before && purged <= after, String(purged));
    assert.deepEqual(more, []);
  });

  it("reaches the scoreboard that has replaced the worker's own", async () => {
    const old = board();
    const app = run.app("app.ts", APPLICATION);
    run.write({ name: "Hello", app, processesMin: 1, processesMax: 9 });
    run.configure();
    await waitUntil("a purge by the old worker", () =>
      purges(board())
        .slice(1)
        .some((time) => time !== 0),
    );
    assert.equal(old.header(ScoreboardHeader.REPLACED), 1);
  });

  it("is done by tenon purge: of all pools, of one, of an export", () => {
    for (const [targets, says] of [
      [[], "purged the decisions of Hello\n"],
      [["hello"], "purged the decisions of Hello\n"],
      [["Hello#fixups"], "purged the decisions of Hello#fixups\n"],
    ] as const) {
      const before = purges(board());
      const result = tenon("--runtime", run.runtime, "purge", ...targets);
      assert.deepEqual([result.status, result.stdout, result.stderr], [0, says, ""]);
      const changed = purges(board()).map((time, index) => time !== before[index]);
      const expected = targets[0] === "Hello#fixups" ? changed.indexOf(true) > 0 : changed[0];
      assert.ok(expected && changed.filter(Boolean).length === 1, String(changed));
    }
  });

  it("by tenon purge says what is wrong, and changes nothing then", () => {
    const before = purges(board());
    for (const [args, status, says] of [
      [
        ["--runtime", run.runtime, "purge", "Hello", "nobody"],
        1,
        /there is no pool 'nobody' in .*: it has Hello/,
      ],
      [
        ["--runtime", "/nowhere", "purge"],
        1,
        /runtime directory \/nowhere\/pools cannot be used: ENOENT/,
      ],
      [["--runtime", run.runtime], 2, /^Usage: tenon/],
      [["--runtime", run.runtime, "burn"], 2, /^Usage: tenon/],
      [["--heat"], 1, /Unknown option '--heat'/],
    ] as const) {
      const result = tenon(...args);
      assert.equal(result.status, status, result.stderr);
      assert.match(result.stderr, says);
    }
    assert.deepEqual(purges(board()), before);
  });
});
