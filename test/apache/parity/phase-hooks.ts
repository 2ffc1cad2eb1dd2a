// SPDX-License-Identifier: Apache-2.0
// Hooks that write down when they were asked, after mod_python's phase_status and mod_perl's stacked handlers.
import {
  DECLINED,
  type Handler,
  type HookRequest,
  type LogTransaction,
  OK,
} from "../../../ts/index.ts";

/** Counts a phase in the request's notes, which all workers and httpd itself can see. */
function count(r: HookRequest): void {
  r.notes.set(r.phase, String(Number(r.notes.get(r.phase) ?? 0) + 1));
  r.notes.set("order", `${r.notes.get("order") ?? ""} ${r.phase}`.trim());
}

export const ok = (r: HookRequest): number => {
  count(r);
  return OK;
};

/** A line of the configuration for the same hook again would be refused. */
export const okAgain: typeof ok = ok;

export const declined = (r: HookRequest): number => {
  count(r);
  return DECLINED;
};

export const declinedAgain: typeof declined = declined;

export const someone = (r: HookRequest): number => {
  count(r);
  r.user = "user";
  r.authType = "Basic";
  return OK;
};

/** Stands behind what must end its phase. */
export const serverError = (r: HookRequest): number => {
  count(r);
  return 500;
};

export const unauthorized = (r: HookRequest): number => {
  count(r);
  return 401;
};

export const dieWhenAsked = (r: HookRequest): number => {
  count(r);
  return r.args === "die" ? 500 : OK;
};

export const handler: Handler = (r) => {
  count(r);
  return Response.json(Object.fromEntries(r.notes));
};

export const logTransaction: LogTransaction = (r) => {
  console.log(`asked in ${r.notes.get("order")} log_transaction of ${r.uri}`);
};

function phases(r: HookRequest): number[] {
  const list = (r.state["phases"] ?? []) as number[];
  r.state["phases"] = list;
  return list;
}

export const one = (r: HookRequest): number => {
  r.state["phases"] = [1];
  return DECLINED;
};

export const two = (r: HookRequest): number => {
  phases(r).push(2);
  r.user = "bogus";
  r.authType = "bogus";
  return OK;
};

export const three = (r: HookRequest): number => {
  phases(r).push(3);
  return OK;
};

export const four = (r: HookRequest): number => {
  phases(r).push(4);
  return OK;
};

export const five = (r: HookRequest): number => {
  phases(r).push(5);
  return DECLINED;
};

export const six = (r: HookRequest): number => {
  phases(r).push(6);
  return OK;
};

export const seven = (r: HookRequest): number => {
  phases(r).push(7);
  return OK;
};

export const eight: Handler = (r) => Response.json({ phases: phases(r), user: r.user });

export const cleanup: LogTransaction = (r) => {
  console.log(`phase_status_cleanup_log_entry ${phases(r).join()} ${r.user}`);
};
