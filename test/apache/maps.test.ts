// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { configtest, pool } from "../helpers/httpd.ts";
import { type Mistake, refuses } from "../helpers/mistakes.ts";

const load = ["rewrite"];

/** A mistake in one line, beside a pool "a". */
function mistake(title: string, line: string, says: RegExp): Mistake {
  return { title, text: `${pool("a")}${line}`, line, says };
}

const tooMany = Array.from({ length: 65 }, (_, i) => `RewriteMap m${i} tenon:a#map${i}`);

const mistakes: Mistake[] = [
  mistake(
    "a map of an unknown pool",
    "RewriteMap m tenon:nobody#look",
    /RewriteMap: there is no pool 'nobody': add a section/,
  ),
  mistake(
    "a map without export",
    "RewriteMap m tenon:a",
    /write RewriteMap <name> tenon:<pool>#<export>/,
  ),
  mistake(
    "a map with more behind it",
    "RewriteMap m tenon:a#b c",
    /write RewriteMap <name> tenon:/,
  ),
  mistake(
    "a map whose export is no name",
    "RewriteMap m tenon:a#9lives",
    /RewriteMap: '9lives' is not the name of an export/,
  ),
  {
    title: "more maps than mod_rewrite can be told of",
    text: `${pool("a")}${tooMany.join("\n")}`,
    line: "RewriteMap m64 tenon:a#map64",
    says: /more than 64 different maps of tenon: let one export answer several, by its key/,
  },
  mistake(
    "an expression with an unknown pool",
    `LogMessage "%{tenon:nobody#look %{REMOTE_ADDR}}"`,
    /LogMessage: there is no pool 'nobody'/,
  ),
];

describe("maps in the configuration", () => {
  refuses(mistakes, [...load, "log_debug"]);

  it("are accepted, as often as the same ones are named", async () => {
    const again = tooMany.slice(1).map((line) => line.replace("RewriteMap m", "RewriteMap again"));
    const lines = [...tooMany.slice(1), ...again, 'RewriteMap "a name" "tenon:A#map1"'];
    const text = `${pool("a")}${lines.join("\n")}
<If "tenon( 'a#look ' . %{REMOTE_ADDR}) == 'yes' || %{TENON:a#other} == \\"x\\"">
  Require all denied
</If>`;
    const { code, output } = await configtest({ text, load });
    assert.equal(output, "Syntax OK\n");
    assert.equal(code, 0);
  });
});
