// SPDX-License-Identifier: Apache-2.0
// A hook in every phase. Each says so in the log ("phase <name> <uri>"), then does what the request's query tells it:
// `?fixups=status:403&access_checker=respond:401`. Without a word it leaves the request alone.
import type { HookRequest } from "../../ts/index.ts";

type Action = (r: HookRequest, argument: string, phase: string) => unknown;

const actions: Readonly<Record<string, Action>> = {
  status: (_r, argument) => Number(argument),
  respond: (_r, argument, phase) => {
    const headers = { "X-Answered-By": phase, Location: "/elsewhere", "Content-Type": "text/x-hook" };
    return new Response(argument === "204" ? null : `answered by ${phase}`, {
      status: Number(argument),
      headers,
    });
  },
  redirect: (r, argument) => r.internalRedirect(argument),
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
  view: (r) => Response.json(viewOf(r)),
};

function viewOf(r: HookRequest): unknown {
  return r;
}

function hook(phase: string): (r: HookRequest) => unknown {
  return (r) => {
    r.log.info(`phase ${phase} ${r.uri}`);
    const told = new URLSearchParams(r.args ?? "").get(phase);
    if (told === null) return undefined;
    const [name = "", argument = ""] = told.split(/:(.*)/s);
    const action = actions[name];
    if (action === undefined) throw new Error(`${phase} knows no action ${name}`);
    return action(r, argument, phase);
  };
}

export const quickHandler = hook("quick_handler");
export const postReadRequest = hook("post_read_request");
export const preTranslateName = hook("pre_translate_name");
export const translateName = hook("translate_name");
export const mapToStorage = hook("map_to_storage");
export const postPerdirConfig = hook("post_perdir_config");
export const headerParser = hook("header_parser");
export const accessChecker = hook("access_checker");
export const accessCheckerEx = hook("access_checker_ex");
export const forceAuthn = hook("force_authn");
export const checkUserId = hook("check_user_id");
export const authChecker = hook("auth_checker");
export const typeChecker = hook("type_checker");
export const fixups = hook("fixups");
export const insertFilter = hook("insert_filter");
export const insertErrorFilter = hook("insert_error_filter");
export const noteAuthFailure = hook("note_auth_failure");
export const handler = hook("handler");

export default {
  fetch(request: Request): Response {
    console.log(`phase application ${new URL(request.url).pathname}`);
    return new Response("answered by the application");
  },
};
