// SPDX-License-Identifier: Apache-2.0
// The header fields that belong to a connection and not to the response (RFC 9110, 7.6.1): the host has its own connection with the client.

/** Their names, lower-case. */
export const connectionHeaders: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);
