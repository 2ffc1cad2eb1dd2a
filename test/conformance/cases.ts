// SPDX-License-Identifier: Apache-2.0
// The list of all cases, by area.
import type { Behaviour, Case } from "./case.ts";
import { fetchRequest } from "./cases/fetch-request.ts";
import { fetchResponse } from "./cases/fetch-response.ts";
import { interim } from "./cases/interim.ts";
import { malformed } from "./cases/malformed.ts";
import { random } from "./cases/random.ts";
import { requestAbort } from "./cases/request-abort.ts";
import { requestBody } from "./cases/request-body.ts";
import { requestHeaders } from "./cases/request-headers.ts";
import { requestLine } from "./cases/request-line.ts";
import { requestSocket } from "./cases/request-socket.ts";
import { responseBody } from "./cases/response-body.ts";
import { responseEvents } from "./cases/response-events.ts";
import { responseHead } from "./cases/response-head.ts";
import { responseHeaders } from "./cases/response-headers.ts";
import { responseRefusals } from "./cases/response-refusals.ts";
import { server } from "./cases/server.ts";
import { streaming } from "./cases/streaming.ts";

const areas: Readonly<Record<string, readonly Behaviour[]>> = {
  "request-line": requestLine,
  "request-headers": requestHeaders,
  "request-socket": requestSocket,
  "request-body": requestBody,
  "request-abort": requestAbort,
  "response-head": responseHead,
  "response-headers": responseHeaders,
  "response-refusals": responseRefusals,
  "response-body": responseBody,
  "response-events": responseEvents,
  interim,
  streaming,
  server,
  malformed,
  random,
  "fetch-request": fetchRequest,
  "fetch-response": fetchResponse,
};

/** All cases. Areas and names in the order of a request's life. */
export const cases: readonly Case[] = Object.entries(areas).flatMap(([area, list]) =>
  list.map((each, at) => ({ setup: "listener", ...each, area, id: `${area}.${at}` })),
);
