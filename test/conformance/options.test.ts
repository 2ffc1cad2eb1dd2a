// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { cases } from "./cases.ts";
import { helpText, parseOptions } from "./options.ts";
import { toRows, toTable, toTotals } from "./report.ts";
import type { Result } from "./run.ts";

describe("npm run conformance", () => {
  it("runs all cases on all hosts unless told otherwise", () => {
    const options = parseOptions([]);
    assert.deepEqual(options, { hosts: ["node", "httpd"], grep: "", json: undefined, help: false });
  });

  it("takes hosts, a part of names and a file", () => {
    const options = parseOptions(["--host", "httpd", "--grep=trailers", "--json", "out.json"]);
    assert.deepEqual(options, {
      hosts: ["httpd"],
      grep: "trailers",
      json: "out.json",
      help: false,
    });
  });

  it("names the hosts when it knows none of that name", () => {
    assert.throws(() => parseOptions(["--host", "nginx"]), /no nginx; there are node, httpd/);
  });

  it("shows every host in its help", () => {
    assert.match(helpText(), /node {4}node:http.*\n {2}httpd {3}Apache/);
  });

  it("counts what differs and fails on what is not listed", () => {
    const [one, two, three] = cases;
    assert.ok(one !== undefined && two !== undefined && three !== undefined);
    const results: Result[] = [
      { case: one, host: "httpd", verdict: "same", text: "" },
      { case: two, host: "httpd", verdict: "listed", text: "a reason" },
      { case: three, host: "httpd", verdict: "failed", text: "status: 200 → 500" },
    ];
    assert.equal(toTotals(results), "httpd: 1 as expected, 1 differs, listed, 1 FAILED");
    assert.match(toTable(results), /FAILED .*\n {4}status: 200 → 500$/);
    assert.deepEqual(toRows(results).at(-1), {
      name: "conformance.httpd.failed",
      value: 1,
      unit: "cases",
      limit: 0,
    });
  });
});
