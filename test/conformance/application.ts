// SPDX-License-Identifier: Apache-2.0
// The application that every host runs, once for each setup: it serves all cases of that setup. CONFORMANCE_SETUP names it,
// CONFORMANCE_OBSERVER is the runner's port. With CONFORMANCE_LISTEN it listens by itself, which makes it the reference.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { RequestListener, Server } from "node:http";
import https from "node:https";
import type { FetchApplication } from "../../ts/adapter/fetch.ts";
import { cases } from "./cases.ts";
import { Dispatch } from "./dispatch.ts";
import { Notebook } from "./notebook.ts";
import { makeServer, type SetupName, setups } from "./setups.ts";

const name = process.env["CONFORMANCE_SETUP"] as SetupName;
const tlsFolder = process.env["CONFORMANCE_TLS"];
const notebook = await Notebook.open(Number(process.env["CONFORMANCE_OBSERVER"]));
const dispatch = new Dispatch(
  cases.filter(({ setup }) => setup === name),
  notebook,
);
const listener: RequestListener = dispatch.messages();
const { shape } = setups[name];

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function listenAlone(): Promise<void> {
  const port = await portOf(makeServer(name, listener, dispatch));
  let tlsPort = 0;
  if (tlsFolder !== undefined) {
    const key = readFileSync(`${tlsFolder}/tls.key`);
    const cert = readFileSync(`${tlsFolder}/tls.crt`);
    tlsPort = await portOf(https.createServer({ key, cert }, listener));
  }
  notebook.say({ hello: name, port, tlsPort });
}

if (process.env["CONFORMANCE_LISTEN"] !== undefined) {
  await listenAlone();
} else {
  if (shape === "server") makeServer(name, listener, dispatch).listen(3000);
  notebook.say({ hello: name, port: 0, tlsPort: 0 });
}

const exported: RequestListener | FetchApplication | undefined = {
  listener,
  fetch: { fetch: (request: Request) => dispatch.fetch(request) },
  server: undefined,
}[shape];

export default exported;
