// SPDX-License-Identifier: Apache-2.0
// The list of all cases, by area.
import type { Behaviour, Case } from "./case.ts";
import { requestHeaders } from "./cases/request-headers.ts";

const areas: Readonly<Record<string, readonly Behaviour[]>> = {
  "request-headers": requestHeaders,
};

/** All cases. Areas and names are in the order of the documents. */
export const cases: readonly Case[] = Object.entries(areas).flatMap(([area, list]) =>
  list.map((each, at) => ({ setup: "listener", ...each, area, id: `${area}.${at}` })),
);
