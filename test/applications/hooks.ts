// SPDX-License-Identifier: Apache-2.0
// Hooks for test/hooks: what each does is told by the option "do".
import {
  AuthnStatus,
  AuthzStatus,
  type CheckAuthorization,
  type CheckPassword,
  DECLINED,
  DONE,
  decision,
  type GetRealmHash,
  type HookRequest,
  type HookResult,
  type MapFunction,
  OK,
  type PhaseHook,
} from "../../ts/index.ts";

type Action = (r: HookRequest) => HookResult | Promise<HookResult>;

const kept: HookRequest[] = [];

/** All that a hook can read, as JSON. */
function viewOf(r: HookRequest): Record<string, unknown> {
  const { id, connectionId, method, theRequest, unparsedUri, uri, args, protocol, scheme } = r;
  const { hostname, user, authType, authName, basic, filename, pathInfo, finfo, handler } = r;
  const { contentType, status, bytesSent, requestTime, duration, clientAddress, clientPort } = r;
  const { localAddress, localPort, serverName, serverPort, serverAdmin, documentRoot, tls } = r;
  const { phase, isInitial, isSubrequest, isRedirect, stateLost } = r;
  return {
    ...{ id, connectionId, method, theRequest, unparsedUri, uri, args, protocol, scheme },
    ...{ hostname, user, authType, authName, basic, filename, pathInfo, finfo, handler },
    ...{ contentType, status, bytesSent, requestTime, duration, clientAddress, clientPort },
    ...{ localAddress, localPort, serverName, serverPort, serverAdmin, documentRoot, tls },
    ...{ phase, isInitial, isSubrequest, isRedirect, stateLost },
    headersIn: [...r.headersIn],
    headersOut: [...r.headersOut],
    errHeadersOut: [...r.errHeadersOut],
    notes: [...r.notes],
    env: [...r.env],
    options: [...r.options],
    arguments: r.arguments,
  };
}

const actions: Readonly<Record<string, Action>> = {
  nothing: () => undefined,
  ok: () => OK,
  later: async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return DECLINED;
  },
  done: (r) => {
    r.status = 410;
    return DONE;
  },
  forbid: () => 403,
  view: (r) => Response.json(viewOf(r)),
  keep: () => decision(401, { cache: { ttl: 1500, vary: ["header:Authorization", "uri"] } }),
  keepResponse: () => decision(new Response("x"), { cache: { ttl: 1, vary: [] } }) as never,
  nonsense: () => "nonsense" as never,
  fraction: () => 0.5,
  beyond: () => 600,
  error: () => Response.error(),
  throw: () => {
    throw new Error("thrown on purpose");
  },
  reject: async () => {
    await null;
    throw new Error("rejected on purpose");
  },
  uncaught: () => {
    setImmediate(() => {
      throw new Error("uncaught on purpose");
    });
    return new Promise(() => undefined);
  },
  hang: (r) => {
    r.signal.addEventListener("abort", () => console.log(`aborted: ${r.signal.reason.message}`));
    return new Promise(() => undefined);
  },
  change: (r) => {
    r.user = "J\u00fcrgen";
    r.authType = undefined;
    r.filename = "/srv/\u20ac";
    r.handler = "tenon:other";
    r.headersIn.set("X-In", "1");
    r.headersOut.append("Set-Cookie", "a=1");
    r.errHeadersOut.delete("WWW-Authenticate");
    r.notes.set("n\u00f6te", "\u2713");
    r.env.set("EMPTY", "");
    r.annotate("count", 3);
    r.internalRedirect("/elsewhere?x");
    const { user, authType, filename } = r;
    r.log.info(JSON.stringify([user, authType, filename, [...r.headersIn], [...r.notes]]));
    return OK;
  },
  changeAndRespond: (r) => {
    r.errHeadersOut.set("X-Err", "1");
    return new Response("no", { status: 401, headers: { "Content-Length": "2" } });
  },
  wrong: (r) => {
    const attempts: readonly (() => void)[] = [
      () => r.headersOut.set("X Y", "1"),
      () => r.headersOut.set("X", "1\r\nSet-Cookie: a=1"),
      () => r.headersIn.append("X", "\u20ac"),
      () => r.notes.set("", "1"),
      () => r.notes.set("a\0", "1"),
      () => r.env.set("a", "\0"),
      () => r.env.set("a", 1 as never),
      () => {
        r.filename = "\0";
      },
      () => {
        r.user = 1 as never;
      },
      () => {
        r.status = 99;
      },
      () => r.internalRedirect("http://elsewhere.example/"),
    ];
    const names = attempts.map((attempt) => {
      try {
        attempt();
        return "nothing";
      } catch (error) {
        return (error as Error).name;
      }
    });
    r.log.info(names.join());
    return OK;
  },
  long: (r) => {
    r.notes.set("long", "x".repeat(300_000));
    return OK;
  },
  late: (r) => {
    kept.push(r);
    return OK;
  },
  useLate: (r) => {
    const late = kept.pop() as HookRequest;
    const codes: string[] = [];
    try {
      late.notes.set("a", "1");
    } catch (error) {
      codes.push((error as { code: string }).code);
    }
    const failed = (error: { code: string }): number => {
      r.log.info([...codes, error.code].join());
      return OK;
    };
    return late.variable("%{A}").then(() => OK, failed);
  },
  stream: () => {
    const pieces = ["one ", "two ", "three"];
    const body = new ReadableStream({
      pull(controller) {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(Buffer.from(piece));
      },
    });
    return new Response(body, { status: 206, statusText: "Some of it" });
  },
  state: (r) => {
    r.state["seen"] = Number(r.state["seen"] ?? 0) + 1;
    r.log.info(`seen ${r.state["seen"]}, lost ${r.stateLost}`);
    return OK;
  },
  lost: (r) => {
    r.log.info(`lost ${r.stateLost}, ${Object.keys(r.state).length} fields`);
    return OK;
  },
  variables: async (r) => {
    const both = await Promise.all([r.variable("%{A}"), r.variable("%{\u00fc}")]);
    r.log.info(both.join());
    return OK;
  },
  variable: async (r) => {
    r.log.info(await r.variable("%{A}").catch((error: Error) => error.message));
    return OK;
  },
  variableAfterChange: async (r) => {
    r.notes.set("a", "1");
    r.log.info(await r.variable("%{A}"));
    return OK;
  },
  unawaited: (r) => {
    r.variable("%{A}").then(
      (value) => r.log.info(value),
      () => undefined,
    );
    return OK;
  },
  subrequest: async (r) => {
    const response = await r.subrequest("/sub?\u00fc", { method: "POST", headers: { "X-A": "1" } });
    const cookies = response.headers.getSetCookie().join();
    r.log.info(`${response.status} ${cookies} ${await response.text()}`);
    return OK;
  },
  passOn: (r) => r.subrequest("/sub"),
  twoSubrequests: async (r) => {
    const answers = await Promise.all([r.subrequest("/one"), r.subrequest("/two")]);
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    r.log.info(texts.map((text) => text.length).join());
    return OK;
  },
  subrequestAndVariable: async (r) => {
    const first = await r.subrequest("/one");
    const variable = await r.variable("%{A}").catch((error: Error) => error.message);
    r.log.info(`${variable} ${(await first.text().catch(String)).length}`);
    return OK;
  },
  unread: async (r) => {
    await r.subrequest("/one");
    return 403;
  },
  holdBody: async (r) => {
    await r.subrequest("/one");
    return new Promise(() => undefined);
  },
  cancelled: async (r) => {
    const response = await r.subrequest("/one");
    await response.body?.cancel();
    r.log.info(await r.variable("%{A}"));
    return OK;
  },
  badSubrequest: async (r) => {
    const errors = [
      r.subrequest("no-slash"),
      r.subrequest("/", { method: "A B" }),
      r.subrequest("/refused"),
    ].map((promise) => promise.catch((error: Error) => `${error.name}: ${error.message}`));
    r.log.info((await Promise.all(errors)).join("; "));
    return OK;
  },
  levels: (r) => {
    r.log.error("e");
    r.log.warn("w");
    r.log.notice("n");
    r.log.info("i");
    r.log.debug("d");
    return OK;
  },
  echo: async (r) => new Response(r.body),
  body: (r) => {
    r.log.info(String(r.body));
    return OK;
  },
};

const act: PhaseHook = (r) => {
  const action = actions[r.options.get("do") ?? "nothing"];
  if (action === undefined) throw new Error(`no action ${r.options.get("do")}`);
  return action(r);
};

export const accessChecker: PhaseHook = act;
export const fixups: PhaseHook = act;
export const handler: PhaseHook = act;
export const typeChecker: PhaseHook = act;
export const insertFilter: PhaseHook = act;
export const named: PhaseHook = act;
export const notAFunction: string = "text";

export const checkPassword: CheckPassword = (r, user, password) => {
  if (user === "nobody") return undefined;
  if (user === "broken") return AuthnStatus.GENERAL_ERROR;
  if (user === "odd") return 7 as never;
  if (user === "kept")
    return decision(true, { cache: { ttl: 60_000, vary: ["user", "password"] } });
  return password === `${user}\u00fc` && r.method === "GET";
};

export const getRealmHash: GetRealmHash = (_r, user, realm) => {
  return user === "nobody" ? undefined : `${user}:${realm}`;
};

export const checkAuthorization: CheckAuthorization = (r, args) => {
  if (args[0] === "nothing") return undefined as never;
  if (args[0] === "neutral") return AuthzStatus.NEUTRAL;
  if (args[0] === "nowhere") return false;
  return args.includes(r.user ?? "");
};

export const map: MapFunction = async (key, r) => {
  if (key === "request") return r.uri;
  return key === "missing" ? undefined : key.toUpperCase();
};

export async function logTransaction(r: HookRequest): Promise<void> {
  const what = r.options.get("do");
  if (what === "throw") throw new Error("the log is full");
  await null;
  console.log(`logged ${r.id} ${r.status} ${r.duration} ${JSON.stringify(r.state)}`);
  if (what !== "change") return;
  const codes: string[] = [];
  try {
    r.notes.set("a", "1");
  } catch (error) {
    codes.push((error as { code: string }).code);
  }
  await r.variable("%{A}").catch((error: { code: string }) => codes.push(error.code));
  r.log.warn(codes.join());
}
