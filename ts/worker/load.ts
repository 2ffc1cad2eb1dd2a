// SPDX-License-Identifier: Apache-2.0
// Loads the application and says what is wrong with one that does not load. Called by main.ts; calls the adapters' choose.ts.
import { pathToFileURL } from "node:url";
import type { Adapter } from "../adapter/adapter.ts";
import { type ApplicationModule, chooseAdapter } from "../adapter/choose.ts";
import type { Takeover } from "../adapter/server.ts";
import { fail, TenonError } from "../errors.ts";
import { serveMessages } from "./messages.ts";

function explain(app: string, error: unknown): TenonError {
  if (error instanceof TenonError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const failure = fail("TENON_ERR_APPLICATION_LOAD", { message: `${app}: ${text}` }, error);
  if (error instanceof Error && error.stack !== undefined) failure.stack = error.stack;
  return failure;
}

/**
 * Loads an application's file and finds its shape.
 *
 * @param app absolute path
 * @throws {TENON_ERR_APPLICATION_LOAD} {TENON_ERR_APPLICATION_SHAPE} {TENON_ERR_APPLICATION_IDLE}
 */
export async function loadAdapter(app: string, takeover: Takeover): Promise<Adapter> {
  // As if Node had been started with it: cluster.fork() and many a "main module" test look there.
  process.argv[1] = app;
  const idle = new Promise<void>((resolve) => {
    process.once("beforeExit", () => resolve());
  });
  let application: ApplicationModule | undefined;
  try {
    application = await Promise.race([import(pathToFileURL(app).href), idle]);
  } catch (error) {
    throw explain(app, error);
  }
  if (application === undefined) throw fail("TENON_ERR_APPLICATION_IDLE", { app });
  return chooseAdapter(application, takeover, serveMessages, idle);
}
