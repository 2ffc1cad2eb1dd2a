// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import { join } from "node:path";
import type { HttpdPlaces } from "../../ts/cli/private-httpd.ts";
import { ask, exchangeBytes, head, rest } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

interface Connection {
  readonly number: number;
  readonly requests: number;
  readonly announced: boolean;
  readonly closed: number[];
  readonly remoteAddress: string;
  readonly remotePort?: number;
  readonly version: [string, number, number];
  readonly protocol?: string;
  readonly cipher?: { name: string };
  readonly authorized?: boolean;
  readonly authorizationError?: string | null;
  readonly subject?: { CN: string };
  readonly x509?: string;
}

/** Makes a certificate that a client may show, signed by itself. */
function makeClientCertificate({ directory }: HttpdPlaces, name: string): void {
  const files = [join(directory, `${name}.key`), join(directory, `${name}.crt`)];
  const options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", `/CN=${name}`];
  const output = ["-keyout", files[0] ?? "", "-out", files[1] ?? ""];
  execFileSync("openssl", ["req", ...options, ...output], { stdio: "pipe" });
}

describe("a client's connection", () => {
  const app = join(root, "test", "applications", "connections.ts");
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      tls: true,
      load: ["remoteip"],
      text: (places) => {
        for (const name of ["known", "strange"]) makeClientCertificate(places, name);
        return `${pool("one", "TenonProcesses 1", app)}
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
SSLCACertificateFile ${join(places.directory, "known.crt")}
SSLVerifyClient optional_no_ca`;
      },
    });
  });

  after(() => httpd.stop());

  const get = async (agent?: http.Agent, headers = {}): Promise<Connection> => {
    const answer = await ask(`${httpd.url}/one`, {
      headers,
      ...(agent === undefined ? {} : { agent }),
    });
    return JSON.parse(answer.text) as Connection;
  };

  const getOverTls = async (options: https.RequestOptions = {}): Promise<Connection> => {
    const request = https.request(`${httpd.tlsUrl}/one`, {
      rejectUnauthorized: false,
      agent: false,
      ...options,
    });
    request.end();
    return JSON.parse((await rest(await head(request))).text) as Connection;
  };

  const clientFiles = (name: string): https.RequestOptions => ({
    key: readFileSync(join(httpd.places.directory, `${name}.key`)),
    cert: readFileSync(join(httpd.places.directory, `${name}.crt`)),
  });

  it("has one socket for all its requests, which the server hears of first", async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const first = await get(agent);
    const second = await get(agent);
    agent.destroy();
    assert.equal(first.announced, true);
    assert.deepEqual([second.number, second.requests], [first.number, 2]);
    assert.deepEqual(second.version, ["1.1", 1, 1]);
  });

  it("has a socket that no other connection ever had", async () => {
    const numbers = new Set<number>();
    for (let index = 0; index < 20; index++) numbers.add((await get()).number);
    assert.equal(numbers.size, 20);
  });

  it("has a socket that closes behind its last request", async () => {
    const request = (more: string): string => `GET /one HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
    const { port } = httpd.places;
    const { text } = await exchangeBytes(port, request("") + request("Connection: close\r\n"));
    const answers = [...text.matchAll(/\{.*\}/g)].map(([json]) => JSON.parse(json) as Connection);
    assert.deepEqual([answers[1]?.number, answers[1]?.requests], [answers[0]?.number, 2]);
    assert.ok((await get()).closed.includes(answers[0]?.number ?? 0));
    const old = await exchangeBytes(port, "GET /one HTTP/1.0\r\n\r\n");
    const { number, version } = JSON.parse(/\{.*\}/.exec(old.text)?.[0] ?? "") as Connection;
    assert.deepEqual(version, ["1.0", 1, 0]);
    assert.ok((await get()).closed.includes(number));
  });

  it("has the address that httpd believes, and another socket for another client", async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const near = await get(agent);
    const far = await get(agent, { "X-Forwarded-For": "192.0.2.7" });
    agent.destroy();
    assert.equal(near.remoteAddress, "127.0.0.1");
    assert.equal(typeof near.remotePort, "number");
    assert.deepEqual([far.remoteAddress, far.remotePort], ["192.0.2.7", undefined]);
    assert.notEqual(far.number, near.number);
  });

  it("shows protocol and cipher of TLS, and no certificate where none was sent", async () => {
    const facts = await getOverTls();
    assert.match(facts.protocol ?? "", /^TLSv1\.[23]$/);
    assert.ok((facts.cipher?.name ?? "").length > 0);
    assert.equal(facts.authorized, false);
    assert.equal(facts.x509, undefined);
    assert.equal(facts.subject, undefined);
  });

  it("shows the client's certificate, and that httpd has verified it", async () => {
    const facts = await getOverTls(clientFiles("known"));
    const certificate = new X509Certificate(clientFiles("known").cert as Buffer);
    assert.equal(facts.authorized, true);
    assert.equal(facts.authorizationError, null);
    assert.equal(facts.subject?.CN, "known");
    assert.equal(facts.x509, certificate.fingerprint256);
  });

  it("shows a certificate that httpd lets pass without knowing its issuer as not authorized", async () => {
    const facts = await getOverTls(clientFiles("strange"));
    assert.equal(facts.authorized, false);
    assert.equal(typeof facts.authorizationError, "string");
    assert.equal(facts.subject?.CN, "strange");
  });

  it("has a socket for each stream of HTTP/2", async () => {
    const session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
    const answers = [1, 2].map(async () => {
      const stream = session.request({ ":path": "/one" });
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      await once(stream, "end");
      return JSON.parse(Buffer.concat(pieces).toString()) as Connection;
    });
    const [first, second] = await Promise.all(answers);
    session.close();
    assert.notEqual(first?.number, second?.number);
    assert.deepEqual(first?.version, ["2.0", 2, 0]);
  });
});
