// SPDX-License-Identifier: Apache-2.0
// A hook in every phase. Each says so in the log ("phase <name> <uri>"), then does what the request's query tells it:
// `?fixups=status:403&access_checker=respond:401`. Without a word it leaves the request alone.
import { setTimeout } from "node:timers/promises";
import type { HookRequest, PhaseHook, Table } from "../../ts/index.ts";

/** Long enough for other requests to come meanwhile. */
const PONDER_MS = 100;

type Action = (r: HookRequest, argument: string, phase: string) => unknown;

const actions: Readonly<Record<string, Action>> = {
  status: (_r, argument) => Number(argument),
  respond: (_r, argument, phase) => {
    const headers = {
      "X-Answered-By": phase,
      Location: "/elsewhere",
      "Content-Type": "text/x-hook",
    };
    return new Response(argument === "204" ? null : `answered by ${phase}`, {
      status: Number(argument),
      headers,
    });
  },
  /** Done with the request, but for what the other path gives. */
  redirect: (r, argument) => {
    r.internalRedirect(argument);
    return -2;
  },
  /** Goes on up to the handler. */
  replace: (r, argument) => {
    r.internalRedirect(argument);
    return undefined;
  },
  throw: () => {
    throw new Error("thrown on purpose");
  },
  reject: () => Promise.reject(new Error("rejected on purpose")),
  hang: () => new Promise(() => undefined),
  spin: () => {
    for (;;);
  },
  die: () => process.kill(process.pid, "SIGKILL"),
  exit: () => process.exit(3),
  nonsense: () => "nonsense",
  user: (r, argument) => {
    r.user = argument;
    return 0;
  },
  echo: (r) => new Response(r.body),
  /** Declines, having read what the next handler would need. */
  swallow: async (r) => {
    await new Response(r.body).arrayBuffer();
    return -1;
  },
  view: (r) => Response.json(viewOf(r)),
  /** `set:errHeadersOut.X-Name=value`; `set:handler=value`. */
  set: (r, argument) => {
    const [, name = "", key = "", value = ""] = /^(\w+)(?:\.([^=]+))?=(.*)$/s.exec(argument) ?? [];
    const field = (r as unknown as Record<string, unknown>)[name];
    if (key !== "") (field as Table).set(key, value);
    else (r as unknown as Record<string, string>)[name] = value;
    return undefined;
  },
  remember: (r, argument) => {
    r.state["word"] = argument;
    return undefined;
  },
  /** Remembers, answers, and is stopped from outside. */
  stop: (r) => {
    r.state["word"] = "stopped";
    r.log.notice(`stops: ${process.pid}`);
    void setTimeout(0).then(() => process.kill(process.pid, "SIGSTOP"));
  },
  pause: async (_r, argument) => {
    await setTimeout(Number(argument));
  },
  /** The same, when others have come too. */
  ponder: async (r, argument) => {
    r.state["word"] = argument;
    await setTimeout(PONDER_MS);
  },
  recall: (r) => Response.json({ state: r.state, lost: r.stateLost, id: r.id, pid: process.pid }),
  /** Of how many requests this worker holds state. */
  held: () => {
    const states = (globalThis as Record<symbol, unknown>)[Symbol.for("tenon.requestStates")];
    return Response.json({ pid: process.pid, size: (states as { size: number }).size });
  },
};

function viewOf(r: HookRequest): unknown {
  const { method, uri, args, unparsedUri, theRequest, protocol, hostname, scheme } = r;
  const { filename, pathInfo, handler, contentType, finfo, user, authType, authName } = r;
  const { serverName, serverPort, serverAdmin, documentRoot, clientAddress, localPort } = r;
  const { isInitial, isSubrequest, isRedirect, requestTime } = r;
  return {
    ...{ method, uri, args, unparsedUri, theRequest, protocol, hostname, scheme },
    ...{ filename, pathInfo, handler, contentType, finfo, user, authType, authName },
    ...{ serverName, serverPort, serverAdmin, documentRoot, clientAddress, localPort },
    ...{ isInitial, isSubrequest, isRedirect, requestTime, tls: r.tls?.protocol },
    headersIn: r.headersIn.get("X-Asked"),
    headersOut: r.headersOut.get("X-Said"),
    notes: r.notes.get("noted"),
    env: r.env.get("SET"),
    option: r.options.get("colour"),
  };
}

function hook(phase: string): PhaseHook {
  return (r) => {
    r.log.info(`phase ${phase} ${r.uri}`);
    const told = new URLSearchParams(r.args ?? "").get(phase);
    if (told === null) return undefined;
    const [name = "", argument = ""] = told.split(/:(.*)/s);
    const action = actions[name];
    if (action === undefined) throw new Error(`${phase} knows no action ${name}`);
    // What a hook must not return is one of the things that are tried.
    return action(r, argument, phase) as ReturnType<PhaseHook>;
  };
}

export const quickHandler: PhaseHook = hook("quick_handler");
export const postReadRequest: PhaseHook = hook("post_read_request");
export const preTranslateName: PhaseHook = hook("pre_translate_name");
export const translateName: PhaseHook = hook("translate_name");
export const mapToStorage: PhaseHook = hook("map_to_storage");
export const postPerdirConfig: PhaseHook = hook("post_perdir_config");
export const headerParser: PhaseHook = hook("header_parser");
export const accessChecker: PhaseHook = hook("access_checker");
export const accessCheckerEx: PhaseHook = hook("access_checker_ex");
export const forceAuthn: PhaseHook = hook("force_authn");
export const checkUserId: PhaseHook = hook("check_user_id");
export const authChecker: PhaseHook = hook("auth_checker");
export const typeChecker: PhaseHook = hook("type_checker");
export const fixups: PhaseHook = hook("fixups");
export const insertFilter: PhaseHook = hook("insert_filter");
export const insertErrorFilter: PhaseHook = hook("insert_error_filter");
export const noteAuthFailure: PhaseHook = hook("note_auth_failure");
export const handler: PhaseHook = hook("handler");

export default {
  fetch: (): Response => new Response("answered by the application"),
};
