// SPDX-License-Identifier: Apache-2.0
// The hosts by name. The reference comes first.
import type { Host } from "./hosts/host.ts";
import { httpdHost } from "./hosts/httpd.ts";
import { nodeHost } from "./hosts/node.ts";

export type HostName = "node" | "httpd";

export const hosts: Readonly<Record<HostName, Host>> = { node: nodeHost, httpd: httpdHost };

export const hostNames: readonly HostName[] = Object.keys(hosts) as HostName[];

/** The host that the others are compared with. */
export const reference: HostName = "node";
