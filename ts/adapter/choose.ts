// SPDX-License-Identifier: Apache-2.0
// Finds out which shape an application has. Called by ts/worker/runtime.ts after the import; calls the adapters.
import type { RequestListener } from "node:http";
import { fail } from "../errors.ts";
import { type Adapter, makeAdapter, type OwnAdapter, type Serving } from "./adapter.ts";
import type { FetchApplication } from "./fetch.ts";
import { hooksOnlyAdapter } from "./hooks-only.ts";
import { listenerAdapter } from "./listener.ts";
import { isHttpServer, serverAdapter, type Takeover } from "./server.ts";

/** An application's file, as far as its shape goes. */
export interface ApplicationModule {
  readonly default?: unknown;
}

function defaultExport(application: ApplicationModule): unknown {
  const value = application.default;
  // CommonJS as TypeScript and Babel write it: module.exports.default is what the author exported.
  if (typeof value === "object" && value !== null && "__esModule" in value && "default" in value) {
    return value.default;
  }
  return value;
}

function isFetchApplication(value: unknown): value is FetchApplication {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    "fetch" in value &&
    typeof value.fetch === "function"
  );
}

function bringsAdapter(value: unknown): value is OwnAdapter {
  return typeof value === "object" && value !== null && makeAdapter in value;
}

/**
 * Chooses the adapter of an application: a default export with a `fetch` function, one that is a function, one that is an HTTP
 * server; otherwise the server whose listening was taken over, waiting for it unless there are hooks.
 *
 * @param application the application's module
 * @param hasHooks whether it exports hooks that the configuration names
 * @param idle settles when nothing is left that could still make the application listen
 * @throws {TENON_ERR_APPLICATION_SHAPE} when it has none of these
 */
export async function chooseAdapter(
  application: ApplicationModule,
  hasHooks: boolean,
  takeover: Takeover,
  serving: Serving,
  idle: Promise<void>,
): Promise<Adapter> {
  const value = defaultExport(application);
  if (bringsAdapter(value)) {
    takeover.end();
    return value[makeAdapter](serving);
  }
  if (isFetchApplication(value)) {
    const { fetchAdapter } = await import("./fetch.ts");
    return fetchAdapter(value);
  }
  if (typeof value === "function")
    return listenerAdapter(value as RequestListener, serving.messages);
  if (isHttpServer(value)) return serverAdapter(value, serving);
  // Whoever listens while the file is loaded has done so by the next turn of the event loop.
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const longest = hasHooks ? turn() : idle;
  const server = await Promise.race([takeover.taken, longest]);
  if (server === undefined && hasHooks) return hooksOnlyAdapter(takeover.taken, serving);
  if (server === undefined) throw fail("TENON_ERR_APPLICATION_SHAPE");
  return serverAdapter(server, serving);
}
