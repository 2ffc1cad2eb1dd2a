// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import type http from "node:http";
import http2 from "node:http2";
import { join } from "node:path";
import { type Answer, ask, exchangeBytes, head, open, rest } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

interface Head {
  readonly head: string;
  readonly fields: string[];
  readonly body: string;
}

interface Trailers {
  readonly body: string;
  readonly trailers: Record<string, string>;
  readonly rawTrailers: string[];
}

interface Headers {
  readonly headers: Record<string, string>;
  readonly rawHeaders: string[];
}

/** One answer of HTTP/1 in text. */
function parse(text: string): Head {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...fields] = text.slice(0, end).split("\r\n");
  return { head: first, fields, body: text.slice(end + 4) };
}

/** What came as latin-1. */
function utf8(text: string): string {
  return Buffer.from(text, "latin1").toString();
}

function fieldsOf({ fields }: Head, name: string): string[] {
  const start = `${name.toLowerCase()}: `;
  return fields
    .filter((line) => line.toLowerCase().startsWith(start))
    .map((line) => line.slice(start.length));
}

describe("semantics of HTTP through httpd", () => {
  const app = join(root, "test", "applications", "semantics.ts");
  let httpd: TestHttpd;

  before(async () => {
    const text = `${pool("one", "TenonProcesses 1", app)}
TypesConfig /dev/null
AddType text/x-guess .guess
AddEncoding x-gzip .gz
AddLanguage en .en
H2EarlyHints on
H2Push off
`;
    httpd = await startHttpd({ tls: true, load: ["mime"], text });
  });

  after(() => httpd.stop());

  /** Sends the text of a request and gives the last answer on the connection. */
  const send = async (target: string, method = "GET", more = "", body = ""): Promise<Head> => {
    const lines = `${method} /one/${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}`;
    return parse((await exchangeBytes(httpd.places.port, `${lines}\r\n${body}`)).text);
  };

  const sendHead = (status: number, fields: string[], method?: string, more = ""): Promise<Head> =>
    send(`head?status=${status}&head=${encodeURIComponent(JSON.stringify(fields))}${more}`, method);

  const session = async <Value>(
    use: (client: http2.ClientHttp2Session) => Promise<Value>,
  ): Promise<Value> => {
    const client = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
    try {
      return await use(client);
    } finally {
      client.close();
    }
  };

  const release = (): Promise<Answer> => ask(`${httpd.url}/one/release`);

  describe("headers of a request", () => {
    const seen = async (lines: string): Promise<Headers> =>
      JSON.parse(utf8((await send("headers", "GET", lines)).body)) as Headers;

    it("joins the cookies of several lines as node:http does", async () => {
      const { headers } = await seen("Cookie: a=1; b=2\r\nCookie: c=3\r\ncookie: d=4\r\n");
      assert.equal(headers["cookie"], "a=1; b=2; c=3; d=4");
    });

    it("leaves commas of a cookie's value alone that no name follows", async () => {
      const { headers } = await seen("Cookie: when=Mon, 1 Jan; b=x,y=1\r\n");
      assert.equal(headers["cookie"], "when=Mon, 1 Jan; b=x,y=1");
    });

    it("keeps letters and order of names, and values in latin-1", async () => {
      const sent = Buffer.from("caf\u00e9").toString("latin1");
      const { rawHeaders, headers } = await seen("X-b: 1\r\nx-A: 2\r\nX-T: caf\u00e9\r\n");
      assert.deepEqual(rawHeaders.slice(-6), ["X-b", "1", "x-A", "2", "X-T", sent]);
      assert.equal(headers["x-t"], sent);
    });

    it("has the cookies of HTTP/2, which come in several fields, in one", async () => {
      const text = await session(async (client) => {
        const stream = client.request({ ":path": "/one/headers", cookie: ["a=1", "b=2"] });
        return (await stream.setEncoding("utf8").toArray()).join("");
      });
      assert.equal((JSON.parse(text) as Headers).headers["cookie"], "a=1; b=2");
    });
  });

  describe("interim answers", () => {
    it("reach a client of HTTP/1.1 before the final one, with their headers", async () => {
      const request = open(`${httpd.url}/one/interim`);
      const seen: http.InformationEvent[] = [];
      const hinted = new Promise<void>((resolve) => {
        request.on("information", (info) => {
          seen.push(info);
          if (seen.length === 2) resolve();
        });
      });
      const response = head(request);
      request.end();
      await hinted;
      await release();
      const answer = await rest(await response);
      assert.deepEqual(
        seen.map(({ statusCode }) => statusCode),
        [102, 103],
      );
      assert.equal(seen[1]?.statusMessage, "Early Hints");
      assert.equal(seen[1]?.headers["x-hint"], "yes");
      assert.match(String(seen[1]?.headers["link"]), /a\.css.*b\.js/);
      assert.equal(answer.headers["x-hint"], undefined);
      assert.equal(answer.headers["x-final"], "yes");
      assert.equal(answer.text, "final");
    });

    for (const size of [0, 9000]) {
      it(`reach a client of HTTP/2 before the final one, one field of ${size} bytes left out or not`, async () => {
        await session(async (client) => {
          const stream = client.request({ ":path": `/one/interim?size=${size}` });
          const seen: http2.IncomingHttpHeaders[] = [];
          const hinted = new Promise<void>((resolve) => {
            stream.on("headers", (fields) => {
              seen.push(fields);
              if (Number(fields[":status"]) === 103) resolve();
            });
          });
          const response = once(stream, "response");
          const text = stream.setEncoding("utf8").toArray();
          await hinted;
          await release();
          const [fields] = (await response) as [http2.IncomingHttpHeaders];
          const hints = seen.find((one) => Number(one[":status"]) === 103);
          assert.equal(hints?.["x-hint"], "yes");
          assert.equal(hints?.["x-long"], undefined);
          assert.match(String(hints?.["link"]), /a\.css.*b\.js/);
          assert.equal(fields[":status"], 200);
          assert.equal((await text).join(""), "final");
        });
      });
    }

    it("never reach a client of HTTP/1.0", async () => {
      const text = "GET /one/interim HTTP/1.0\r\n\r\n";
      const answer = exchangeBytes(httpd.places.port, text);
      // The other request of this worker is begun behind it.
      let done = false;
      void answer.then(() => {
        done = true;
      });
      while (!done) await release();
      assert.match((await answer).text, /^HTTP\/1\.1 200 OK\r\n/);
    });
  });

  describe("Expect", () => {
    const continued = async (path: string): Promise<{ answer: Answer; continued: boolean }> => {
      const headers = { Expect: "100-continue", "Content-Length": 4 };
      const request = open(`${httpd.url}/one/${path}`, { method: "POST", headers });
      let came = false;
      request.on("continue", () => {
        came = true;
        request.end("body");
      });
      request.flushHeaders();
      const answer = await rest(await head(request));
      request.destroy();
      return { answer, continued: came };
    };

    for (const path of ["written", "read"]) {
      it(`asks a server's 'checkContinue', and 100 goes when the application has ${path}`, async () => {
        const { answer, continued: came } = await continued(path);
        assert.equal(answer.text, "checked body");
        assert.equal(came, true);
      });
    }

    it("lets 'checkContinue' refuse the body", async () => {
      const { answer, continued: came } = await continued("refused");
      assert.deepEqual([answer.status, answer.text, came], [403, "refused", false]);
    });

    it("of anything else is refused by httpd (417)", async () => {
      const answer = await send("x", "GET", "Expect: the-unexpected\r\n");
      assert.equal(answer.head, "HTTP/1.1 417 Expectation Failed");
    });
  });

  describe("trailers", () => {
    const chunks = "2\r\nbo\r\n2\r\ndy\r\n0\r\n";

    it("of a request reach the application", async () => {
      const more = "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n";
      const body = `${chunks}X-Sum: 4\r\nX-Text: a, b\r\n\r\n`;
      const answer = JSON.parse((await send("trailers", "POST", more, body)).body) as Trailers;
      assert.equal(answer.body, "body");
      assert.deepEqual(answer.trailers, { "x-sum": "4", "x-text": "a, b" });
      assert.deepEqual(answer.rawTrailers, ["X-Sum", "4", "X-Text", "a, b"]);
    });

    it("of a request come behind a body that is longer than what goes with the head", async () => {
      const options = { method: "POST", headers: { Trailer: "X-Sum" } };
      const request = open(`${httpd.url}/one/trailers`, options);
      const response = head(request);
      const body = Buffer.alloc(300_000, "y");
      request.write(body);
      request.addTrailers({ "X-Sum": String(body.length) });
      request.end();
      const answer = JSON.parse((await rest(await response)).text) as Trailers;
      assert.equal(answer.body.length, body.length);
      assert.deepEqual(answer.trailers, { "x-sum": "300000" });
    });

    it("of a request over HTTP/2 reach the application", async () => {
      const text = await session(async (client) => {
        const stream = client.request(
          { ":path": "/one/trailers", ":method": "POST" },
          { waitForTrailers: true },
        );
        stream.end("body");
        stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "4" }));
        return (await stream.setEncoding("utf8").toArray()).join("");
      });
      const { body, trailers } = JSON.parse(text) as Trailers;
      assert.deepEqual([body, trailers], ["body", { "x-sum": "4" }]);
    });

    for (const query of ["body", "announced&body", "announced"]) {
      it(`of a response reach a client of HTTP/1.1 (${query})`, async () => {
        const answer = await ask(`${httpd.url}/one/sum?${query}`);
        assert.deepEqual(answer.trailers, { "x-sum": "4", "x-text": "caf\u00e9" });
        assert.equal(answer.text, query.includes("body") ? "body" : "");
        assert.equal(answer.headers["content-length"], undefined);
      });
    }

    it("of a response that node:http gives a length are left out as there", async () => {
      const answer = await ask(`${httpd.url}/one/sum`);
      assert.deepEqual(answer.trailers, {});
      assert.equal(answer.headers["content-length"], "0");
    });

    it("of a response with Content-Length, or to a client of HTTP/1.0, are left out", async () => {
      const declared = await ask(`${httpd.url}/one/sum?body&length`);
      assert.deepEqual([declared.text, declared.trailers], ["body", {}]);
      const text = "GET /one/sum?body HTTP/1.0\r\n\r\n";
      const old = parse((await exchangeBytes(httpd.places.port, text)).text);
      assert.equal(old.body, "body");
    });

    it("of a response reach a client of HTTP/2", async () => {
      await session(async (client) => {
        const stream = client.request({ ":path": "/one/sum?body&announced" });
        const trailers = once(stream, "trailers") as Promise<[http2.IncomingHttpHeaders]>;
        assert.equal((await stream.setEncoding("utf8").toArray()).join(""), "body");
        const [fields] = await trailers;
        assert.equal(fields["x-sum"], "4");
        assert.equal(fields["content-length"], undefined);
      });
    });
  });

  describe("the head of a response", () => {
    it("keeps Content-Length and Content-Type of 304, which has no body", async () => {
      const fields = ["Content-Type", "text/x-a", "Content-Length", "5", "ETag", '"a"'];
      const answer = await sendHead(304, fields);
      assert.equal(answer.head, "HTTP/1.1 304 Not Modified");
      assert.deepEqual(fieldsOf(answer, "Content-Length"), ["5"]);
      assert.deepEqual(fieldsOf(answer, "Content-Type"), ["text/x-a"]);
      assert.deepEqual(fieldsOf(answer, "ETag"), ['"a"']);
      assert.equal(answer.body, "");
    });

    it("keeps Content-Type of 204 but no Content-Length, which HTTP forbids there", async () => {
      const answer = await sendHead(204, ["Content-Type", "text/x-a", "Content-Length", "0"]);
      assert.deepEqual(fieldsOf(answer, "Content-Length"), []);
      assert.deepEqual(fieldsOf(answer, "Content-Type"), ["text/x-a"]);
    });

    for (const length of ["0", "5", "5000000000"]) {
      it(`keeps a Content-Length of ${length} in the answer to HEAD`, async () => {
        const answer = await sendHead(200, ["Content-Length", length], "HEAD");
        assert.deepEqual(fieldsOf(answer, "Content-Length"), [length]);
        assert.equal(answer.body, "");
      });
    }

    it("has no Content-Length in the answer to HEAD where the application gave none", async () => {
      assert.deepEqual(fieldsOf(await sendHead(200, [], "HEAD"), "Content-Length"), []);
    });

    it("has the application's reason, node:http's words, and any status", async () => {
      assert.equal((await sendHead(200, [], "GET", "&reason=Fine")).head, "HTTP/1.1 200 Fine");
      assert.equal((await sendHead(413, [])).head, "HTTP/1.1 413 Payload Too Large");
      assert.equal((await sendHead(299, [])).head, "HTTP/1.1 299 unknown");
      assert.equal((await sendHead(599, [], "GET", "&reason=Odd")).head, "HTTP/1.1 599 Odd");
    });

    it("keeps several lines of one name as several, in order", async () => {
      const fields = ["Set-Cookie", "a=1", "Set-Cookie", "b=2", "Link", "<a>", "Link", "<b>, <c>"];
      const answer = await sendHead(200, fields);
      assert.deepEqual(fieldsOf(answer, "Set-Cookie"), ["a=1", "b=2"]);
      assert.deepEqual(fieldsOf(answer, "Link"), ["<a>", "<b>, <c>"]);
    });

    it("keeps the lines of Vary and their blanks", async () => {
      const several = await sendHead(200, ["Vary", "Origin, Accept", "Vary", "origin"]);
      assert.deepEqual(fieldsOf(several, "Vary"), ["Origin, Accept", "origin"]);
      assert.deepEqual(fieldsOf(await sendHead(200, ["Vary", "Origin"]), "Vary"), ["Origin"]);
    });

    it("has Date and Server of httpd, once", async () => {
      const fields = ["Date", "Thu, 01 Jan 1970 00:00:00 GMT", "Server", "mine"];
      const answer = await sendHead(200, fields);
      assert.equal(fieldsOf(answer, "Date").length, 1);
      assert.match(fieldsOf(answer, "Date")[0] ?? "", / 20\d\d /);
      assert.equal(fieldsOf(answer, "Server").length, 1);
      assert.match(fieldsOf(answer, "Server")[0] ?? "", /Apache/);
    });

    it("has no type, encoding or language that httpd guesses of the URL", async () => {
      const path = "head/file.en.guess.gz/head";
      const answer = await send(path);
      assert.equal(answer.head, "HTTP/1.1 200 OK");
      for (const name of ["Content-Type", "Content-Encoding", "Content-Language"]) {
        assert.deepEqual(fieldsOf(answer, name), [], name);
      }
      const direct = await send("x/../head");
      assert.deepEqual(fieldsOf(direct, "Content-Type"), []);
    });
  });
});
