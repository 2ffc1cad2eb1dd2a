// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Answer, ask } from "../../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";

const hooks = fileURLToPath(new URL("filter-hooks.ts", import.meta.url));
const content = fileURLToPath(new URL("content.ts", import.meta.url));

/** A folder of static files behind output filters, the first of which is nearest to the content. */
function output(name: string, ...exports: string[]): string {
  const lines = exports.map((each) => `  TenonHook output_filter parity#${each}\n`).join("");
  return `<Location "/${name}">\n${lines}</Location>\n`;
}

/** An application that answers with the body that it was sent, behind an input filter. */
function input(name: string, hook: string): string {
  return `<Location "/content/read/${name}">
  TenonHook input_filter parity#${hook}
</Location>
`;
}

const configuration = `
TenonFilter MP_TEST_FILTER output parity#upper
<Location "/upper">
  SetOutputFilter MP_TEST_FILTER
</Location>
${output("reverse", "reverse")}
${output("blocks", "blocks")}
${output("no-dashes", "withoutDashes")}
${output("both-ends", "prefix", "suffix")}
${output("declined", "declineOutput", "upper")}
${output("include", "include")}
${output("itself", "lowerWithItself")}
${input("lower", "lowerInput")}
${input("reversed", "reverseInput")}
${input("consumed", "consumeInput")}
${input("underrun", "underrunInput")}
${input("sandwich", "sandwichInput")}
${input("passed", "passInput")}
${input("declined", "declineInput")}
${input("dead", "errorInput")}
${input("dead-late", "errorAfterReading")}
<Location "/content/read/in-out">
  TenonHook input_filter parity#lowerInput
  TenonHook output_filter parity#reverse
</Location>
`;

describe("filters by hooks, as mod_python's and mod_perl's", () => {
  let httpd: TestHttpd;

  /** Makes a static file and asks for it. */
  function through(folder: string, text: string): Promise<Answer> {
    const path = join(httpd.places.htdocs, folder);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "page.txt"), text);
    return ask(`${httpd.url}/${folder}/page.txt`);
  }

  function post(name: string, body: string | Buffer): Promise<Answer> {
    return ask(`${httpd.url}/content/read/${name}`, { method: "POST", body });
  }

  before(async () => {
    httpd = await startHttpd({
      load: ["proxy", "proxy_http"],
      text: ({ htdocs, port }) => {
        writeFileSync(join(htdocs, "included.txt"), "subrequest\n");
        return `${pool("parity", "TenonProcesses 1 1", hooks)}
${pool("content", "TenonProcesses 1 1", content)}
${configuration}
ProxyPass "/proxied" "http://127.0.0.1:${port}/content/read"
<Location "/proxied">
  TenonHook input_filter parity#lowerInput
  TenonHook output_filter parity#reverse
</Location>`;
      },
    });
    await httpd.waitForReady("parity", 1);
    await httpd.waitForReady("content", 1);
  });
  after(() => httpd.stop());

  it("change a static file (test_outputfilter, filter/out_bbs_filebucket)", async () => {
    assert.equal((await through("upper", "test ok")).text, "TEST OK");
    const long = "abcdefghij".repeat(50_000);
    assert.equal((await through("upper", long)).text, long.toUpperCase());
  });

  it("work on lines that no piece holds whole (filter/out_str_reverse)", async () => {
    const { text } = await through("reverse", "Just a test.\nAnother line");
    assert.equal(text, ".tset a tsuJ\nenil rehtonAReversed by mod_perl 2.0\n");
  });

  it("keep what they know from piece to piece (filter/out_bbs_ctx)", async () => {
    const { text } = await through("blocks", "x".repeat(5003 * 3 + 4));
    assert.equal(text, "###xxxx\nreceived 3 complete blocks\n");
  });

  it("hold a body back and shorten it (filter/out_str_buffer)", async () => {
    const answer = await through("no-dashes", `${"-".repeat(10)}short-body${"-".repeat(10)}`);
    assert.equal(answer.text, "shortbody");
    assert.notEqual(answer.headers["content-length"], "30");
  });

  it("stand one behind the other and add at both ends (filter/out_str_req_eos)", async () => {
    assert.equal((await through("both-ends", "content")).text, "PREFIX_content_SUFFIX");
  });

  it("leave a body alone when they say nothing (filter/out_str_declined)", async () => {
    const answer = await through("declined", "aaaaaaaaaa");
    assert.equal(answer.text, "AAAAAAAAAA");
    assert.equal(answer.headers["x-declined"], "output_filter");
  });

  it("put other resources in (filter/out_str_subreq_default)", async () => {
    const { text } = await through("include", "content\n<tag>\nmore content\n");
    assert.equal(text, "content\nsubrequest\nmore content\nfilter\n");
  });

  it("ask for what they filter themselves (filter/with_subrequest)", async () => {
    const answer = await through("itself", "Some TEXT");
    assert.equal(answer.text, "some text");
    assert.equal(answer.headers["x-itself"], "9");
  });

  it("change what an application is sent (filter/in_str_lc)", async () => {
    assert.equal((await post("lower", "Foo BAR")).text, "foo bar");
  });

  it("hold a request's body until it is whole (filter/in_bbs_body)", async () => {
    const body = "The quick brown fox".repeat(1000);
    assert.equal((await post("reversed", body)).text, [...body].toReversed().join(""));
  });

  it("drop the rest of a request's body (filter/in_bbs_consume)", async () => {
    assert.equal((await post("consumed", "x".repeat(200_000))).text, "x".repeat(1105));
  });

  it("wait for enough of a request's body (filter/in_bbs_underrun)", async () => {
    assert.equal((await post("underrun", "AB".repeat(50_000))).text, "ab".repeat(50_000));
  });

  it("add to both ends of a request's body (filter/in_str_sandwich)", async () => {
    assert.equal((await post("sandwich", "what comes\n")).text, "HEADER\nwhat comes\nTAIL\n");
  });

  it("pass any byte (filter/in_str_bin_data)", async () => {
    const body = Buffer.from(Array.from({ length: 1024 }, (_, at) => at % 256));
    assert.deepEqual((await post("passed", body)).body, body);
  });

  it("leave a request's body alone when they say nothing (filter/in_str_declined)", async () => {
    assert.equal((await post("declined", "A".repeat(20_000))).text, "A".repeat(20_000));
  });

  it("never have an application take a broken body for a whole one (filter/in_error)", async () => {
    httpd.expectLog("TN0006", "TN0007");
    const since = httpd.log().mark();
    assert.ok((await post("dead", "body")).status >= 400);
    await httpd.waitForLog(/This filter must die/, { since });
  });

  it("may not give up in the middle (filter/in_str_declined_read)", async () => {
    httpd.expectLog("TN0006", "TN0007");
    const since = httpd.log().mark();
    assert.ok((await post("dead-late", "body")).status >= 400);
    await httpd.waitForLog(/will not go on/, { since });
  });

  it("work on both directions of one request (api/in_out_filters)", async () => {
    const { text } = await post("in-out", "ABC\n");
    assert.equal(text, "cba\nReversed by mod_perl 2.0\n");
  });

  it("work around a proxy (filter/both_str_req_proxy, modules/proxy)", async () => {
    const answer = await ask(`${httpd.url}/proxied/plain`, { method: "POST", body: "ABC\n" });
    assert.equal(answer.text, "cba\nReversed by mod_perl 2.0\n");
  });

  it("work on an application's answer (filter/out_apache)", async () => {
    const { text } = await post("in-out", "");
    assert.equal(text, "Reversed by mod_perl 2.0\n");
  });
});
