// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import {
  EntryOperation,
  EntryTable,
  Fact,
  LogLevel,
  Phase,
  ResultFlag,
  WireError,
} from "../../ts/wire/protocol.ts";
import type { Answer, AskOptions, HostChannel } from "../helpers/fake-host.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";
import { entry, utf8 } from "./entries.ts";

const { ADD, SET, UNSET } = EntryOperation;

describe("hooks in a worker", () => {
  let worker: WorkerProcess;
  let channel: HostChannel;
  let broken = false;

  before(async () => {
    worker = await startWorker({ app: "hooks.ts", exports: ["accessChecker", "handler"] });
    channel = worker.connect();
  });

  after(() => worker.remove());

  /** A failed hook ends its channel. */
  afterEach(async () => {
    if (!broken) return;
    await channel.closed();
    channel = worker.connect();
    broken = false;
  });

  /** Asks a hook to do something. */
  function ask(action: string, options: AskOptions = {}): Promise<Answer> {
    const entries = [entry("OPTIONS", "do", action), ...(options.entries ?? [])];
    return send({ phase: Phase.ACCESS_CHECKER, ...options, entries });
  }

  async function send(options: AskOptions): Promise<Answer> {
    const answer = await channel.ask(options);
    broken = answer.abort !== undefined;
    return answer;
  }

  function lines({ logs }: Answer): string[] {
    return logs.map(({ text }) => text);
  }

  it("make a worker ready without a default export", async () => {
    assert.equal((await worker.message("ready")).shape, "hooks");
  });

  describe("results", () => {
    const cases: readonly (readonly [string, keyof typeof Phase, number])[] = [
      ["ok", "ACCESS_CHECKER", 0],
      ["later", "ACCESS_CHECKER", -1],
      ["done", "FIXUPS", -2],
      ["forbid", "ACCESS_CHECKER", 403],
      ["nothing", "ACCESS_CHECKER", 0],
      ["nothing", "TYPE_CHECKER", -1],
      ["nothing", "INSERT_FILTER", 0],
      ["forbid", "INSERT_FILTER", 0],
    ];
    for (const [action, phase, code] of cases) {
      it(`${action} in ${phase}: ${code}`, async () => {
        const answer = await ask(action, { phase: Phase[phase] });
        assert.equal(answer.result?.code, code);
        assert.deepEqual(answer.frames, ["RESULT"]);
        assert.equal(answer.result?.ttl, 0);
        assert.equal(answer.result?.flags, 0);
      });
    }

    it("a decision carries what it may be kept by", async () => {
      const { result } = await ask("keep");
      assert.deepEqual(result, {
        code: 401,
        flags: 0,
        ttl: 1500,
        vary: ["header:Authorization", "uri"],
        entries: [],
      });
    });

    it("a Response is sent as the answer, its changes before it", async () => {
      const answer = await ask("changeAndRespond");
      assert.deepEqual(answer.frames, ["FIELDS", "RESPONSE", "DATA"]);
      assert.equal(answer.status, 401);
      assert.equal(answer.text, "no");
      assert.equal(answer.headers["content-length"], "2");
      assert.deepEqual(answer.fields, [
        { operation: SET, table: EntryTable.ERR_HEADERS_OUT, name: "X-Err", value: "1" },
      ]);
    });

    it("a Response may be a stream", async () => {
      const answer = await ask("stream");
      assert.equal(answer.status, 206);
      assert.equal(answer.reason, "Some of it");
      assert.equal(answer.text, "one two three");
    });

    it("a Response to HEAD has no body", async () => {
      const answer = await ask("stream", { method: "HEAD" });
      assert.deepEqual(answer.frames, ["RESPONSE"]);
    });

    const wrong: readonly (readonly [string, RegExp])[] = [
      ["nonsense", /accessChecker returned nonsense: a hook returns OK, DECLINED, DONE, a status/],
      ["fraction", /accessChecker returned 0\.5: /],
      ["beyond", /accessChecker returned 600: /],
      ["error", /accessChecker must not return Response\.error\(\)/],
      ["keepResponse", /a Response cannot be kept/],
      [
        "throw",
        /: Error: thrown on purpose\n {4}at .*hooks\.ts:\d+.*\n {4}at .*act.*hooks\.ts:[\d:]+\)?$/,
      ],
      ["reject", /: Error: rejected on purpose\n {4}at .*hooks\.ts:[\d:]+\)?$/],
      ["long", /the payload is longer than its frame type allows/],
    ];
    for (const [action, text] of wrong) {
      it(`${action}: a line in the error log, and the exchange is broken off`, async () => {
        const answer = await ask(action);
        assert.equal(answer.abort?.error, WireError.APPLICATION);
        assert.equal(answer.abort?.text, "the hook accessChecker failed");
        assert.equal(answer.logs.length, 1);
        assert.equal(answer.logs[0]?.level, LogLevel.ERROR);
        assert.match(answer.logs[0]?.text ?? "", text);
      });
    }
  });

  describe("the function", () => {
    it("is the one that EXPORT names", async () => {
      const { result } = await ask("forbid", { facts: { [Fact.EXPORT]: "named" } });
      assert.equal(result?.code, 403);
    });

    for (const name of ["missing", "notAFunction", "default", "toString"]) {
      it(`is missing when ${name} is asked for: the log says what there is`, async () => {
        const answer = await ask("ok", { facts: { [Fact.EXPORT]: name } });
        assert.equal(answer.abort?.error, WireError.APPLICATION);
        assert.match(
          lines(answer).join(),
          new RegExp(
            `hooks\\.ts exports no function ${name} for the phase access_checker: it exports accessChecker, .*typeChecker$`,
          ),
        );
      });
    }

    it("is a handler where the phase handler names one, with the body", async () => {
      const facts = { [Fact.EXPORT]: "handler" };
      const body = Buffer.alloc(700_000, "x");
      const phase = Phase.HANDLER;
      const answer = await ask("echo", { phase, method: "POST", facts, body });
      assert.ok(answer.body.equals(body));
      assert.equal((await ask("nothing", { phase, facts })).result?.code, -1);
    });

    it("has no body elsewhere", async () => {
      assert.deepEqual(lines(await ask("body")), ["null"]);
    });

    it("is not the application itself, which answers 500 without a handler", async () => {
      const answer = await channel.ask({ target: "/" });
      assert.equal(answer.status, 500);
      assert.match(lines(answer).join(), /the application has hooks only/);
    });
  });

  describe("the view", () => {
    it("has what the host tells", async () => {
      const told = await ask("view", {
        facts: {
          [Fact.REQUEST_ID]: "id1",
          [Fact.CONNECTION_ID]: "c1",
          [Fact.SCHEME]: "https",
          [Fact.USER]: utf8("J\u00fcrgen"),
          [Fact.AUTH_TYPE]: "Basic",
          [Fact.CLIENT_ADDRESS]: "192.0.2.1",
          [Fact.CLIENT_PORT]: "4711",
          [Fact.LOCAL_ADDRESS]: "192.0.2.2",
          [Fact.LOCAL_PORT]: "443",
          [Fact.TLS_PROTOCOL]: "TLSv1.3",
        },
        headers: [
          "Host",
          "a",
          "Authorization",
          `Basic ${Buffer.from("a:b:\u00fc").toString("base64")}`,
        ],
        entries: [
          entry("RECORD", "the_request", "GET /?x HTTP/1.1"),
          entry("RECORD", "unparsed_uri", "/?x"),
          entry("RECORD", "uri", utf8("/\u20ac")),
          entry("RECORD", "args", "x"),
          entry("RECORD", "hostname", "a"),
          entry("RECORD", "filename", utf8("/srv/\u20ac")),
          entry("RECORD", "path_info", "/p"),
          entry("RECORD", "handler", "h"),
          entry("RECORD", "content_type", "text/plain"),
          entry("RECORD", "ap_auth_name", "Realm"),
          entry("RECORD", "status", "404"),
          entry("RECORD", "bytes_sent", "12"),
          entry("RECORD", "request_time", "1500000"),
          entry("RECORD", "duration", "2500"),
          entry("RECORD", "server_port", "443"),
          entry("RECORD", "server_admin", "me@example.org"),
          entry("RECORD", "document_root", "/srv"),
          entry("RECORD", "finfo.type", "file"),
          entry("RECORD", "finfo.size", "7"),
          entry("RECORD", "finfo.mtime", "1000"),
          entry("RECORD", "main", "1"),
          entry("RECORD", "prev", "1"),
          entry("RECORD", "state", "1"),
          entry("HEADERS_OUT", "X-Out", "o"),
          entry("ERR_HEADERS_OUT", "X-Err", "e"),
          entry("NOTES", "note", utf8("\u2713")),
          entry("ENV", "HOME", "/"),
          entry("ARGUMENTS", "", "one"),
          entry("ARGUMENTS", "", "two"),
        ],
      });
      assert.deepEqual(JSON.parse(told.text), {
        id: "id1",
        connectionId: "c1",
        method: "GET",
        theRequest: "GET /?x HTTP/1.1",
        unparsedUri: "/?x",
        uri: "/\u20ac",
        args: "x",
        protocol: "HTTP/1.1",
        scheme: "https",
        hostname: "a",
        user: "J\u00fcrgen",
        authType: "Basic",
        authName: "Realm",
        basic: { user: "a", password: "b:\u00fc" },
        filename: "/srv/\u20ac",
        pathInfo: "/p",
        finfo: { type: "file", size: 7, mtime: "1970-01-01T00:00:00.001Z" },
        handler: "h",
        contentType: "text/plain",
        status: 404,
        bytesSent: 12,
        requestTime: "1970-01-01T00:00:01.500Z",
        duration: 2.5,
        clientAddress: "192.0.2.1",
        clientPort: 4711,
        localAddress: "192.0.2.2",
        localPort: 443,
        serverName: "example.org",
        serverPort: 443,
        serverAdmin: "me@example.org",
        documentRoot: "/srv",
        tls: { protocol: "TLSv1.3" },
        phase: "access_checker",
        isInitial: false,
        isSubrequest: true,
        isRedirect: true,
        stateLost: true,
        headersIn: [
          ["Host", "a"],
          ["Authorization", "Basic YTpiOsO8"],
        ],
        headersOut: [["X-Out", "o"]],
        errHeadersOut: [["X-Err", "e"]],
        notes: [["note", "\u2713"]],
        env: [["HOME", "/"]],
        options: [["do", "view"]],
        arguments: ["one", "two"],
      });
    });

    it("tells the host each change, in order, and reads as changed", async () => {
      const facts = { [Fact.AUTH_TYPE]: "Basic" };
      const answer = await ask("change", { facts });
      assert.deepEqual(answer.frames, ["LOG", "RESULT"]);
      assert.deepEqual(JSON.parse(lines(answer)[0] ?? ""), [
        "J\u00fcrgen",
        null,
        "/srv/\u20ac",
        [
          ["Host", "example.org"],
          ["X-In", "1"],
        ],
        [
          ["n\u00f6te", "\u2713"],
          ["count", "3"],
        ],
      ]);
      const changes = answer.result?.entries.map(({ operation, table, name, value }) => {
        return [operation, table, name, value];
      });
      assert.deepEqual(changes, [
        [SET, EntryTable.RECORD, "user", utf8("J\u00fcrgen")],
        [UNSET, EntryTable.RECORD, "ap_auth_type", undefined],
        [SET, EntryTable.RECORD, "filename", utf8("/srv/\u20ac")],
        [SET, EntryTable.RECORD, "handler", "tenon:other"],
        [SET, EntryTable.HEADERS_IN, "X-In", "1"],
        [ADD, EntryTable.HEADERS_OUT, "Set-Cookie", "a=1"],
        [UNSET, EntryTable.ERR_HEADERS_OUT, "WWW-Authenticate", undefined],
        [SET, EntryTable.NOTES, utf8("n\u00f6te"), utf8("\u2713")],
        [SET, EntryTable.ENV, "EMPTY", ""],
        [SET, EntryTable.NOTES, "count", "3"],
        [SET, EntryTable.RECORD, "redirect", "/elsewhere?x"],
      ]);
    });

    it("refuses what no table and no field can hold", async () => {
      const answer = await ask("wrong");
      assert.deepEqual(lines(answer), [new Array(11).fill("TypeError").join()]);
      assert.deepEqual(answer.result?.entries, []);
    });

    it("can be changed and asked about no longer than the hook runs", async () => {
      await ask("late");
      assert.deepEqual(lines(await ask("useLate")), ["TENON_ERR_HOOK_OVER,TENON_ERR_HOOK_OVER"]);
    });

    it("logs at each level", async () => {
      const { logs } = await ask("levels");
      assert.deepEqual(
        logs.map(({ level, text }) => [level, text]),
        [
          [LogLevel.ERROR, "e"],
          [LogLevel.WARN, "w"],
          [LogLevel.NOTICE, "n"],
          [LogLevel.INFO, "i"],
          [LogLevel.DEBUG, "d"],
        ],
      );
    });
  });

  describe("providers and maps", () => {
    const passwords: readonly (readonly [string, string, string, number])[] = [
      ["ann", "ann\u00fc", "GET", 1],
      ["ann", "wrong", "GET", 0],
      ["nobody", "", "GET", 3],
      ["broken", "", "GET", 4],
    ];
    for (const [user, password, method, code] of passwords) {
      it(`checkPassword of ${user} with ${JSON.stringify(password)}: ${code}`, async () => {
        const { result } = await send({
          phase: Phase.CHECK_PASSWORD,
          method,
          entries: [entry("RECORD", "user", user), entry("RECORD", "password", utf8(password))],
        });
        assert.equal(result?.code, code);
      });
    }

    it("checkPassword may be kept", async () => {
      const entries = [entry("RECORD", "user", "kept")];
      const { result } = await send({ phase: Phase.CHECK_PASSWORD, entries });
      assert.equal(result?.code, 1);
      assert.equal(result?.ttl, 60_000);
      assert.deepEqual(result?.vary, ["user", "password"]);
    });

    it("checkPassword with another result fails", async () => {
      const entries = [entry("RECORD", "user", "odd")];
      const answer = await send({ phase: Phase.CHECK_PASSWORD, entries });
      assert.match(lines(answer).join(), /checkPassword returned 7: /);
    });

    it("getRealmHash gives the hash as the value", async () => {
      const phase = Phase.GET_REALM_HASH;
      const entries = [entry("RECORD", "user", "ann"), entry("RECORD", "realm", "R")];
      const { result } = await send({ phase, entries });
      assert.equal(result?.code, 2);
      assert.deepEqual(result?.entries, [
        { operation: SET, table: EntryTable.RECORD, name: "value", value: "ann:R" },
      ]);
      const nobody = await send({ phase, entries: [entry("RECORD", "user", "nobody")] });
      assert.equal(nobody.result?.code, 3);
      assert.deepEqual(nobody.result?.entries, []);
    });

    it("checkAuthorization is given the arguments", async () => {
      const phase = Phase.CHECK_AUTHORIZATION;
      const entries = [entry("ARGUMENTS", "", "ann"), entry("ARGUMENTS", "", "bob")];
      const codes: (number | undefined)[] = [];
      for (const user of ["ann", "cid"]) {
        const answer = await send({ phase, entries, facts: { [Fact.USER]: user } });
        codes.push(answer.result?.code);
      }
      codes.push((await send({ phase, entries })).result?.code);
      assert.deepEqual(codes, [1, 0, 4]);
    });

    it("checkAuthorization that says false without a user is asked again only if it asked for one", async () => {
      const codes: (number | undefined)[] = [];
      for (const argument of ["ann", "nowhere", "neutral"]) {
        const entries = [entry("ARGUMENTS", "", argument)];
        codes.push((await send({ phase: Phase.CHECK_AUTHORIZATION, entries })).result?.code);
      }
      assert.deepEqual(codes, [4, 0, 2]);
    });

    it("checkAuthorization without a result fails: nothing grants by accident", async () => {
      const entries = [entry("ARGUMENTS", "", "nothing")];
      const answer = await send({ phase: Phase.CHECK_AUTHORIZATION, entries });
      assert.equal(answer.abort?.error, WireError.APPLICATION);
    });

    it("map gives the value of a key, or says that there is none", async () => {
      const phase = Phase.MAP;
      const found = await send({ phase, entries: [entry("RECORD", "key", utf8("\u00e4"))] });
      assert.equal(found.result?.code, 0);
      assert.equal(found.result?.entries[0]?.value, utf8("\u00c4"));
      const missing = await send({ phase, entries: [entry("RECORD", "key", "missing")] });
      assert.equal(missing.result?.code, -1);
    });
  });

  describe("state", () => {
    it("lasts from one phase of a request to the next, and the host is told", async () => {
      const facts = { [Fact.REQUEST_ID]: "s1" };
      const first = await ask("state", { facts });
      assert.equal(first.result?.flags, ResultFlag.STATE);
      assert.deepEqual(lines(first), ["seen 1, lost false"]);
      const other = worker.connect();
      const entries = [entry("OPTIONS", "do", "state"), entry("RECORD", "state", "1")];
      const second = await other.ask({ phase: Phase.FIXUPS, facts, entries });
      assert.deepEqual(lines(second), ["seen 2, lost false"]);
      const third = await ask("ok", { facts });
      assert.equal(third.result?.flags, ResultFlag.STATE);
    });

    it("is of one request only", async () => {
      assert.deepEqual(lines(await ask("state", { facts: { [Fact.REQUEST_ID]: "s2" } })), [
        "seen 1, lost false",
      ]);
    });

    it("is known to be lost where another worker held it", async () => {
      const facts = { [Fact.REQUEST_ID]: "s3" };
      const answer = await ask("lost", { facts, entries: [entry("RECORD", "state", "1")] });
      assert.deepEqual(lines(answer), ["lost true, 0 fields"]);
    });
  });
});
