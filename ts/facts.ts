// SPDX-License-Identifier: Apache-2.0
// What an application can ask for about a request. Called by applications, through index.ts; the worker says what there is to tell. The two may be different
// copies of the package (an application brings its own, or is bundled with one): they meet in registered symbols and in the numbers of the protocol.
import type { IncomingMessage } from "node:http";
import { Fact } from "./wire/protocol.ts";

/** What the host knows of a request and the client did not send as a header. A field is undefined where there is nothing to tell. */
export interface RequestFacts {
  /** Id of the request, the same in all logs (mod_unique_id's UNIQUE_ID where that module is loaded). */
  readonly requestId: string | undefined;
  readonly method: string | undefined;
  /** The request target as the client sent it; what is behind the mount where `TenonMount … strip` says so. */
  readonly target: string | undefined;
  /** Protocol between client and host, such as HTTP/2.0. */
  readonly protocol: string | undefined;
  /** http or https. */
  readonly scheme: string | undefined;
  /** Name of the virtual host that serves (ServerName, or the client's Host header: see httpd's UseCanonicalName). */
  readonly serverName: string | undefined;
  /** The client's address; the one that mod_remoteip found, where it is in use. */
  readonly clientAddress: string | undefined;
  readonly clientPort: number | undefined;
  /** Address that the client connected to. */
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** Authenticated user (REMOTE_USER). The host has proven it: no client can send it. */
  readonly user: string | undefined;
  /** Scheme that authenticated the user, such as Basic (AUTH_TYPE). */
  readonly authType: string | undefined;
  /** Path under which the application is mounted (TenonMount), not escaped, without a slash at its end. */
  readonly mount: string | undefined;
  /** Such as TLSv1.3 (SSL_PROTOCOL). */
  readonly tlsProtocol: string | undefined;
  /** Cipher suite of the connection (SSL_CIPHER). */
  readonly tlsCipher: string | undefined;
  /** Name that the client asked for in SNI (SSL_TLS_SNI). */
  readonly tlsServerName: string | undefined;
  /** What came of checking the client's certificate: SUCCESS, GENEROUS or FAILED:why (SSL_CLIENT_VERIFY). */
  readonly tlsClientVerify: string | undefined;
  /** Certificate that the client has sent, PEM (SSL_CLIENT_CERT). */
  readonly tlsClientCertificate: string | undefined;
  /** Id of the client's connection, the same for all its requests. */
  readonly connectionId: string | undefined;
}

/** Facts by their number in the protocol. */
export type NumberedFacts = readonly (string | undefined)[];

/** Key of a request's facts, on the request. */
const ofRequest: unique symbol = Symbol.for("tenon.facts") as never;
/** Key of the function that gives those of the request that code runs for, on globalThis. */
const ofCurrent: unique symbol = Symbol.for("tenon.currentFacts") as never;

interface Marked {
  [ofRequest]?: NumberedFacts;
}

interface Global {
  [ofCurrent]?: () => NumberedFacts | undefined;
}

/** For the worker: has `requestFacts(request)` tell these. */
export function markRequest(request: object, facts: NumberedFacts): void {
  (request as Marked)[ofRequest] = facts;
}

/** For the worker: has `requestFacts()` ask this function. */
export function provideFacts(current: () => NumberedFacts | undefined): void {
  (globalThis as Global)[ofCurrent] = current;
}

/** The number that a fact is, such as a port. */
export function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Facts come as latin-1, as headers do; a path of the configuration is UTF-8. */
function utf8(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text, "latin1").toString();
}

/**
 * Tells what the host knows of a request. Never throws.
 *
 * @param request node:http's or fetch's; without it, or with one that the application made itself, the request that the calling code runs for, through all
 * that is asynchronous (AsyncLocalStorage)
 * @returns undefined outside of a request, and where the application runs without Tenon
 */
export function requestFacts(request?: IncomingMessage | Request): RequestFacts | undefined {
  const facts =
    (request as Marked | undefined)?.[ofRequest] ?? (globalThis as Global)[ofCurrent]?.();
  if (facts === undefined) return undefined;
  return {
    requestId: facts[Fact.REQUEST_ID],
    method: facts[Fact.METHOD],
    target: facts[Fact.TARGET],
    protocol: facts[Fact.PROTOCOL],
    scheme: facts[Fact.SCHEME],
    serverName: facts[Fact.SERVER_NAME],
    clientAddress: facts[Fact.CLIENT_ADDRESS],
    clientPort: numberOf(facts[Fact.CLIENT_PORT]),
    localAddress: facts[Fact.LOCAL_ADDRESS],
    localPort: numberOf(facts[Fact.LOCAL_PORT]),
    user: facts[Fact.USER],
    authType: facts[Fact.AUTH_TYPE],
    mount: utf8(facts[Fact.MOUNT]),
    tlsProtocol: facts[Fact.TLS_PROTOCOL],
    tlsCipher: facts[Fact.TLS_CIPHER],
    tlsServerName: facts[Fact.TLS_SERVER_NAME],
    tlsClientVerify: facts[Fact.TLS_CLIENT_VERIFY],
    tlsClientCertificate: facts[Fact.TLS_CLIENT_CERTIFICATE],
    connectionId: facts[Fact.CONNECTION_ID],
  };
}
