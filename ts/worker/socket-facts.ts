// SPDX-License-Identifier: Apache-2.0
// What a socket says of the client's connection, from the facts of the request. Used by both kinds of socket of this folder.
import type { X509Certificate } from "node:crypto";
import type { Exchange } from "../channel/exchange.ts";
import { numberOf } from "../facts.ts";
import { Fact } from "../wire/protocol.ts";
import { authorizationErrorOf, certificateOf, cipherOf, isAuthorized } from "./tls-facts.ts";

/** Addresses and TLS facts, under the names of net.Socket and tls.TLSSocket. */
export interface SocketFacts {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly localFamily: string;
  readonly encrypted: boolean;
  readonly servername: string | undefined;
  readonly authorized: boolean;
  readonly authorizationError: string | null;
  getProtocol(): string | null;
  getCipher(): object;
  getPeerCertificate(): object;
  getPeerX509Certificate(): X509Certificate | undefined;
}

/** The family of an address. */
export function familyOf(address: string | undefined): string {
  return address?.includes(":") ? "IPv6" : "IPv4";
}

/** The facts of an exchange's connection. */
export function factsOf(exchange: Exchange): SocketFacts {
  const { facts } = exchange.request;
  return {
    remoteAddress: facts[Fact.CLIENT_ADDRESS],
    remotePort: numberOf(facts[Fact.CLIENT_PORT]),
    remoteFamily: familyOf(facts[Fact.CLIENT_ADDRESS]),
    localAddress: facts[Fact.LOCAL_ADDRESS],
    localPort: numberOf(facts[Fact.LOCAL_PORT]),
    localFamily: familyOf(facts[Fact.LOCAL_ADDRESS]),
    encrypted: facts[Fact.SCHEME] === "https",
    servername: facts[Fact.TLS_SERVER_NAME],
    authorized: isAuthorized(facts),
    authorizationError: authorizationErrorOf(facts),
    getProtocol: () => facts[Fact.TLS_PROTOCOL] ?? null,
    getCipher: () => cipherOf(facts),
    getPeerCertificate: () => certificateOf(facts)?.toLegacyObject() ?? {},
    getPeerX509Certificate: () => certificateOf(facts),
  };
}
