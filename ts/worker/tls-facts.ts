// SPDX-License-Identifier: Apache-2.0
// What tls.TLSSocket says of a connection, from what the host's TLS says. Used by both kinds of socket of this folder.
import type { X509Certificate } from "node:crypto";
import type { Facts } from "../wire/fields.ts";
import { Fact } from "../wire/protocol.ts";

const verified = "SUCCESS";
const failure = "FAILED:";

/** The connection's cipher suite; both names are OpenSSL's. */
export function cipherOf(facts: Facts): object {
  const name = facts[Fact.TLS_CIPHER];
  return { name, standardName: name, version: facts[Fact.TLS_PROTOCOL] ?? null };
}

/** Whether the host has verified a certificate of the client. */
export function isAuthorized(facts: Facts): boolean {
  return facts[Fact.TLS_CLIENT_VERIFY] === verified;
}

/** Why the host did not verify the client's certificate, in its own words; null when it did or when there is none. */
export function authorizationErrorOf(facts: Facts): string | null {
  const said = facts[Fact.TLS_CLIENT_VERIFY];
  if (said === undefined || said === verified) return null;
  return said.startsWith(failure) ? said.slice(failure.length) : said;
}

/** The client's certificate, when it has sent one. */
export function certificateOf(facts: Facts): X509Certificate | undefined {
  const pem = facts[Fact.TLS_CLIENT_CERTIFICATE];
  if (pem === undefined) return undefined;
  const { X509Certificate: Certificate } = process.getBuiltinModule("node:crypto");
  return new Certificate(pem);
}
