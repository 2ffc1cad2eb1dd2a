// SPDX-License-Identifier: Apache-2.0
// A scheme of one's own: people log in with a form and have a session in a cookie, programs send a Bearer token. Neither the pages nor the
// programs behind it know of that: httpd has the user. docs/authentication.md has the configuration.
import { createHmac, randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import {
  type AccessCheckerEx,
  type CheckAuthorization,
  type CheckPassword,
  type CheckUserId,
  DECLINED,
  decision,
  type ForceAuthn,
  type HookRequest,
  type NoteAuthFailure,
  OK,
} from "tenon";

/** The same for all workers where TenonEnv gives one; else a session lasts as long as its worker. */
const secret = process.env["LOGIN_SECRET"] ?? randomBytes(32);
const SESSION_S = 3600;
const KEPT_MS = 30_000;

const salt = randomBytes(16);
const hashOf = (password: string): Buffer => scryptSync(password, salt, 32);
/** Stands for a database. */
const accounts = new Map([
  ["alice", { hash: hashOf("wonder"), groups: ["staff", "admins"] }],
  ["bob", { hash: hashOf("build"), groups: ["staff"] }],
]);

function knows(user: string, password: string): boolean {
  const account = accounts.get(user);
  // Who is not known costs the same time.
  const right = timingSafeEqual(hashOf(password), account?.hash ?? hashOf("?"));
  return account !== undefined && right;
}

interface Claims {
  readonly sub: string;
  /** Seconds since 1970. */
  readonly exp: number;
}

const signatureOf = (text: string): string =>
  createHmac("sha256", secret).update(text).digest("base64url");

/** A JSON Web Token (RFC 7519, HS256). */
function tokenFor(user: string): string {
  const parts = [
    { alg: "HS256", typ: "JWT" },
    { sub: user, exp: Math.floor(Date.now() / 1000) + SESSION_S },
  ];
  const text = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${signatureOf(text)}`;
}

/** What a token claims, when it is ours and its time is not over. */
function claimsOf(token: string): Claims | undefined {
  const [head, body, signature = ""] = token.split(".");
  const expected = Buffer.from(signatureOf(`${head}.${body}`));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const claims = JSON.parse(Buffer.from(body ?? "", "base64url").toString()) as Claims;
  return claims.exp * 1000 > Date.now() ? claims : undefined;
}

function bearerOf(r: HookRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(r.headersIn.get("Authorization") ?? "")?.[1];
}

function sessionOf(r: HookRequest): string | undefined {
  return /(?:^|; *)session=([^;]+)/.exec(r.headersIn.get("Cookie") ?? "")?.[1];
}

/** Lets the user of a token in. The decision is kept no longer than the token is good. */
function enter(r: HookRequest, { sub, exp }: Claims, scheme: string): ReturnType<CheckUserId> {
  r.user = sub;
  r.authType = scheme;
  const ttl = Math.max(1, Math.min(KEPT_MS, exp * 1000 - Date.now()));
  return decision(OK, { cache: { ttl, vary: ["header:Authorization", "header:Cookie"] } });
}

const wantsPage = (r: HookRequest): boolean =>
  r.method === "GET" && (r.headersIn.get("Accept") ?? "").includes("text/html");

/** Who is it? A person who is nobody yet gets the form, a program 401. */
export const checkUserId: CheckUserId = (r) => {
  const token = bearerOf(r);
  const claims = claimsOf(token ?? sessionOf(r) ?? "");
  if (claims !== undefined) return enter(r, claims, token === undefined ? "Session" : "Bearer");
  if (token === undefined && wantsPage(r)) {
    const to = encodeURIComponent(r.unparsedUri);
    return new Response(null, { status: 303, headers: { Location: `/login?to=${to}` } });
  }
  challenge(r, token === undefined ? "" : ', error="invalid_token"');
  return 401;
};

/** Who has a session is not asked for a password (`order=early`, before mod_authz_core says that one is needed). */
export const accessCheckerEx: AccessCheckerEx = (r) => {
  const claims = claimsOf(sessionOf(r) ?? "");
  return claims === undefined ? DECLINED : enter(r, claims, "Session");
};

function challenge(r: HookRequest, more: string): void {
  r.errHeadersOut.set("WWW-Authenticate", `Bearer realm="${r.authName ?? "login"}"${more}`);
}

/** A user is needed here, whatever `Require` says. */
export const always: ForceAuthn = () => OK;

/** How to authenticate, where another module refuses. */
export const noteAuthFailure: NoteAuthFailure = (r) => {
  challenge(r, ', error="insufficient_scope"');
  return OK;
};

/** The same accounts for AuthBasicProvider tenon. */
export const checkPassword: CheckPassword = (_r, user, password) =>
  decision(knows(user, password), { cache: { ttl: KEPT_MS, vary: [] } });

/** `Require tenon login#inGroup staff` */
export const inGroup: CheckAuthorization = (r, args) =>
  args.some((group) => accounts.get(r.user ?? "")?.groups.includes(group));

const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Back to where the user came from, on this host: no other may be named in a link to the form. */
const localPath = (to: string | null): string =>
  /^\/(?![/\\])/.test(to ?? "") ? (to ?? "/") : "/";

function form(to: string, said = ""): Response {
  const page = `<!doctype html><title>Log in</title><p>${said}
<form method="post"><input name="to" type="hidden" value="${escapeHtml(to)}">
<input name="user" autocomplete="username"> <input name="password" type="password">
<button>Log in</button></form>`;
  return new Response(page, { headers: { "Content-Type": "text/html; charset=utf-8" } });
}

function leave(location: string, token: string, seconds: number): Response {
  const cookie = `session=${token}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax`;
  return new Response(null, { status: 303, headers: { Location: location, "Set-Cookie": cookie } });
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith("/logout")) return leave("/login", "", 0);
    if (request.method !== "POST") return form(localPath(searchParams.get("to")));
    const fields = await request.formData();
    const [user, password, to] = ["user", "password", "to"].map((name) => String(fields.get(name)));
    if (!knows(user ?? "", password ?? ""))
      return form(localPath(to ?? ""), "Wrong name or password.");
    // A program asks for its token in the same way.
    if (pathname.endsWith("/token")) return Response.json({ token: tokenFor(user ?? "") });
    return leave(localPath(to ?? ""), tokenFor(user ?? ""), SESSION_S);
  },
};
