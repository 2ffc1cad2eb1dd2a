// SPDX-License-Identifier: Apache-2.0
// Hooks that show and change a request, after those of mod_python's and mod_perl's test programs.
import {
  DECLINED,
  type Fixups,
  type Handler,
  type HeaderParser,
  type LogTransaction,
  OK,
  type PostReadRequest,
  type TranslateName,
} from "../../../ts/index.ts";

console.log("dummymodule is loaded");
process.once("SIGTERM", () => {
  console.log("srv_register_cleanup test ok");
  process.exit();
});
process.once("exit", () => console.log("apache_register_cleanup test ok"));

export const members: Fixups = (r) =>
  Response.json({
    phase: r.phase,
    method: r.method,
    theRequest: r.theRequest,
    protocol: r.protocol,
    hostname: r.hostname,
    uri: r.uri,
    unparsedUri: r.unparsedUri,
    args: r.args,
    filename: r.filename,
    pathInfo: r.pathInfo,
    documentRoot: r.documentRoot,
    finfo: { type: r.finfo?.type, size: r.finfo?.size },
    user: r.user,
    authType: r.authType,
    isInitial: r.isInitial,
    isSubrequest: r.isSubrequest,
    isRedirect: r.isRedirect,
    requestTime: r.requestTime?.getTime(),
    host: r.headersIn.get("HOST"),
    absent: r.headersIn.get("absent"),
    testing: r.options.get("testing"),
  });

export const surroundings: Fixups = (r) =>
  Response.json({
    clientAddress: r.clientAddress,
    clientPort: r.clientPort,
    localAddress: r.localAddress,
    localPort: r.localPort,
    connectionId: r.connectionId,
    serverName: r.serverName,
    serverAdmin: r.serverAdmin,
    serverPort: r.serverPort,
    scheme: r.scheme,
  });

const variables = ["REMOTE_HOST", "DOCUMENT_ROOT", "REQUEST_METHOD", "SERVER_NAME", "QUERY_STRING"];

export const commonVariables: Fixups = async (r) =>
  Response.json(
    Object.fromEntries(
      await Promise.all(variables.map(async (name) => [name, await r.variable(`%{${name}}`)])),
    ),
  );

export const options: Fixups = (r) => Response.json([...r.options].toSorted());

/** What a table of httpd can do; what comes of it is seen by the client. */
export const tables: Fixups = (r) => {
  r.headersOut.set("X-Single", "gone");
  r.headersOut.set("x-single", "kept");
  r.headersOut.append("X-Several", "b");
  r.headersOut.append("x-several", "c");
  r.headersOut.set("X-Never", "x");
  r.headersOut.delete("x-NEVER");
  r.notes.set("a", "1");
  r.notes.set("b", "2");
  r.notes.delete("a");
  r.headersOut.set("X-Notes", [...r.notes].map((each) => each.join("=")).join(";"));
  r.headersOut.set("X-Has", [r.notes.has("a"), r.notes.has("b"), r.notes.get("c")].join());
  return OK;
};

export const testHeader: Fixups = (r) => {
  r.headersOut.set("X-Test-Header", "test ok");
  return OK;
};

export const bothHeaders: Fixups = (r) => {
  r.errHeadersOut.set("X-err_headers_out", "err_headers_out");
  r.headersOut.set("X-headers_out", "headers_out");
  return r.args === "404" ? 404 : OK;
};

export const logLevels: Fixups = (r) => {
  r.log.error("xERRx");
  r.log.warn("xWARNINGx");
  r.log.info("xINFOx");
  r.log.debug("xDEBUGx");
  return OK;
};

export const redirectInside: Fixups = (r) => {
  if (r.isRedirect) return new Response(`test ok ${r.args}`);
  r.internalRedirect(r.args === "static" ? "/plain.txt" : "/redirect/target?main=1");
  return OK;
};

export const redirect: Fixups = (r) =>
  r.isSubrequest
    ? new Response("test failed")
    : new Response("test ok", { status: 302, headers: { Location: "/dummy" } });

export const refuseWithText: Fixups = (r) => new Response(r.args, { status: 403 });

export const lookUp: Fixups = async (r) => {
  if (r.isSubrequest) return OK;
  const answer = await r.subrequest(r.args === "missing" ? "/nowhere" : "/plain.txt");
  return new Response(`${answer.status} ${await answer.text()}`);
};

export const translateName: TranslateName = (r) => {
  if (r.uri === "/trans") {
    r.filename = `${r.documentRoot}/plain.txt`;
    return OK;
  }
  if (r.uri !== "/phooey") return DECLINED;
  r.filename = `${r.documentRoot}/plain.txt`;
  r.uri = "/translated";
  return OK;
};

export const postReadRequest: PostReadRequest = (r) => {
  r.env.set("TEST1", "'");
  r.env.set("TEST2", '"');
  return new Response([...r.env].map((each) => each.join("=")).join("\n"));
};

export const initEarly: PostReadRequest = (r) => {
  r.notes.set("init", "server");
  return OK;
};

export const initLate: HeaderParser = (r) => {
  r.notes.set("init", `${r.notes.get("init")} directory`);
  return OK;
};

export const sayInit: Fixups = (r) => new Response(r.notes.get("init"));

export const setEnvironment: Fixups = (r) => {
  r.env.set("data", "test ok");
  return OK;
};

/** Gives what has no handler to the application. */
export const giveHandler: Fixups = (r) => {
  r.state["secret"] = "foo";
  r.handler = "tenon:handled";
  return OK;
};

export const remember: HeaderParser = (r) => {
  const before = r.state["seen"];
  r.state["seen"] = r.args;
  r.env.set("BEFORE", before === undefined ? "nothing" : String(before));
  return OK;
};

export const recall: Fixups = (r) => new Response(`${r.env.get("BEFORE")} ${r.state["seen"]}`);

export const setCleanup: Fixups = (r) => {
  r.state["cleanup"] = "req_register_cleanup test ok";
  return OK;
};

export const logTransaction: LogTransaction = (r) => {
  console.log(`${r.state["cleanup"]} ${r.uri} ${r.status}`);
};

export const seed: HeaderParser = (r) => {
  r.env.set("ERROR_NOTES", r.args ?? "");
  return OK;
};

export const bomb: Fixups = (r) => {
  r.env.set("ERROR_NOTES", "never kept");
  throw new Error(`bomb of ${r.uri}`);
};

export const sayError: Fixups = (r) =>
  new Response(`Error: ${r.env.get("REDIRECT_ERROR_NOTES")}, ${r.isRedirect}`, {
    status: Number(r.env.get("REDIRECT_STATUS")),
  });

export const sayPart: Handler = (r) => new Response(`part: ${r.isSubrequest}`);

export const noneHandler = null;
