// SPDX-License-Identifier: Apache-2.0
// Access, authentication and authorization, after mod_python's and mod_perl's test programs.
import {
  type AccessChecker,
  type AuthChecker,
  AuthzStatus,
  type CheckAuthorization,
  type CheckPassword,
  type CheckUserId,
  DECLINED,
  type Fixups,
  OK,
} from "../../../ts/index.ts";

/** Lets in what one proxy sends. */
export const accessChecker: AccessChecker = (r) => {
  const sent = r.headersIn.get("X-Forwarded-For");
  return sent === "127.0.0.1" ? OK : 403;
};

export const checkUserId: CheckUserId = (r) => {
  const { user, password } = r.basic ?? {};
  if (user !== "dougm" || password !== "foo") return 401;
  r.user = user;
  r.authType = "Basic";
  return OK;
};

/** Anyone who names a user and a password. */
export const anyone: CheckUserId = (r) => {
  const { user, password } = r.basic ?? {};
  if (!user || !password) return 401;
  r.user = user;
  r.authType = "Basic";
  return OK;
};

export const onlyDougm: AuthChecker = (r) => (r.user === "dougm" ? OK : 401);

export const digestOnDemand: CheckUserId = (r) => {
  if (r.args) return 401;
  r.user = "user";
  r.authType = "Digest";
  return OK;
};

const passwords = new Map([
  ["goo", "goopass"],
  ["bar", "barpass"],
  ["tar", "tarpass"],
]);

export const checkPassword: CheckPassword = (_r, user, password) =>
  passwords.get(user) === password;

export const checkAuthorization: CheckAuthorization = (r, args) => {
  if (r.user === undefined) return AuthzStatus.DENIED_NO_USER;
  return args.includes(r.user) ? AuthzStatus.GRANTED : AuthzStatus.DENIED;
};

export const dummyUser: CheckUserId = (r) => {
  if (r.authName !== "blah") return 500;
  r.user = "dummy";
  r.authType = "dummy";
  return OK;
};

export const dummyMay: AuthChecker = (r) => (r.authType === "dummy" ? OK : DECLINED);

export const sayUser: Fixups = (r) => Response.json({ user: r.user, authType: r.authType });

export const sayPassword: Fixups = (r) => new Response(`${r.basic?.user} ${r.basic?.password}`);

/** What is not UTF-8 a hook decodes itself. */
export const sayLatin1: Fixups = (r) => {
  const [, encoded = ""] = (r.headersIn.get("Authorization") ?? "").split(" ");
  return new Response(Buffer.from(encoded, "base64").toString("latin1").replace(":", " "));
};
