// SPDX-License-Identifier: Apache-2.0
// Access, authentication and authorization, after mod_python's and mod_perl's test programs.
import {
  type AccessChecker,
  AUTHZ_DENIED,
  AUTHZ_DENIED_NO_USER,
  AUTHZ_GRANTED,
  type AuthChecker,
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
  const [user, password] = [r.basicUser, r.basicPassword];
  if (user !== "dougm" || password !== "foo") return 401;
  r.user = user;
  return OK;
};

/** Anyone who names a user and a password. */
export const anyone: CheckUserId = (r) => {
  if (!r.basicUser || !r.basicPassword) return 401;
  r.user = r.basicUser;
  return OK;
};

export const onlyDougm: AuthChecker = (r) => (r.user === "dougm" ? OK : 401);

export const digestOnDemand: CheckUserId = (r) => {
  if (r.args) return 401;
  r.user = "user";
  r.apAuthType = "Digest";
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
  if (!r.user) return AUTHZ_DENIED_NO_USER;
  return args.includes(r.user) ? AUTHZ_GRANTED : AUTHZ_DENIED;
};

export const dummyUser: CheckUserId = (r) => {
  if (r.authType !== "dummy" || r.authName !== "blah") return 500;
  r.user = "dummy";
  r.apAuthType = r.authType;
  return OK;
};

export const dummyMay: AuthChecker = (r) => (r.authType === "dummy" ? OK : DECLINED);

export const sayUser: Fixups = (r) => Response.json({ user: r.user, authType: r.apAuthType });

export const sayPassword: Fixups = (r) => new Response(`${r.basicUser} ${r.basicPassword}`);
