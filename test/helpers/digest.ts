// SPDX-License-Identifier: Apache-2.0
// A client of the scheme Digest (RFC 7616, MD5 and qop auth, which is what mod_auth_digest has).
import { createHash, randomBytes } from "node:crypto";

const md5 = (text: string): string => createHash("md5").update(text).digest("hex");

/** Reads the parameters of a WWW-Authenticate. */
export function parseChallenge(header: string): ReadonlyMap<string, string> {
  const parameters = header.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g);
  return new Map(
    Array.from(parameters, ([, name = "", quoted, bare]) => [name, quoted ?? bare ?? ""]),
  );
}

/** What an Authorization is made of. */
export interface DigestAsk {
  readonly challenge: string;
  readonly user: string;
  readonly password: string;
  readonly uri: string;
  readonly method?: string;
  /** Counts the uses of the nonce, from 1. */
  readonly count?: number;
}

/** Gives the header Authorization that answers a challenge. */
export function digestAuthorization(ask: DigestAsk): string {
  const challenge = parseChallenge(ask.challenge);
  const [realm = "", nonce = "", opaque] = ["realm", "nonce", "opaque"].map((name) =>
    challenge.get(name),
  );
  const uses = (ask.count ?? 1).toString(16).padStart(8, "0");
  const own = randomBytes(8).toString("hex");
  const secret = md5(`${ask.user}:${realm}:${ask.password}`);
  const what = md5(`${ask.method ?? "GET"}:${ask.uri}`);
  const response = md5(`${secret}:${nonce}:${uses}:${own}:auth:${what}`);
  const parts = [
    `username="${ask.user}"`,
    `realm="${realm}"`,
    `nonce="${nonce}"`,
    `uri="${ask.uri}"`,
    `algorithm=MD5, qop=auth, nc=${uses}, cnonce="${own}"`,
    `response="${response}"`,
    ...(opaque === undefined ? [] : [`opaque="${opaque}"`]),
  ];
  return `Digest ${parts.join(", ")}`;
}
