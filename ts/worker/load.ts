// SPDX-License-Identifier: Apache-2.0
// Loads the application and says what is wrong with one that does not load. Called by main.ts; calls the adapters' choose.ts.
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Adapter } from "../adapter/adapter.ts";
import { type ApplicationModule, chooseAdapter } from "../adapter/choose.ts";
import type { Takeover } from "../adapter/server.ts";
import { fail, TenonError } from "../errors.ts";
import { HookExports, type HookModule } from "../hooks/exports.ts";
import { serveMessages, serveUpgrade } from "./messages.ts";

/** Node's mark of a syntax error: the file and line, source text, and carets below the place. */
const arrow = /^(?:file:\/\/)?(\/[^\n]*):(\d+)\n(?:[^\n]*\n)*?( *)\^+ *\n/;
/** A line of a stack that is in a file and not in Node. */
const frame = /^ {4}at (?:.*\()?(?:async )?(?:file:\/\/)?(\/[^\n]*?:\d+:\d+)\)?$/gm;

const ownFolder = fileURLToPath(new URL(".", import.meta.url));

function placeOf(stack: string): string | undefined {
  const marked = arrow.exec(stack);
  if (marked !== null) return `${marked[1]}:${marked[2]}:${(marked[3] ?? "").length + 1}`;
  const places = Array.from(stack.matchAll(frame), (match) => match[1]);
  return places.find((place) => place !== undefined && !place.startsWith(ownFolder));
}

/** Node keeps the place of a syntax error in an ES module to itself until it prints it: a second Node is asked to. */
async function checkSyntax(app: string): Promise<string> {
  const { spawnSync } = await import("node:child_process");
  const { stderr } = spawnSync(process.execPath, ["--check", app], { encoding: "utf8" });
  return stderr;
}

/** Makes what is wrong with an application that does not load: file, line, column and Node's message. */
export async function explainLoad(app: string, error: unknown): Promise<TenonError> {
  if (error instanceof TenonError) return error;
  if (!(error instanceof Error)) {
    return fail("TENON_ERR_APPLICATION_LOAD", { message: `${app}: threw ${String(error)}` }, error);
  }
  let stack = error.stack ?? error.message;
  let place = placeOf(stack);
  if (place === undefined && error instanceof SyntaxError) {
    const checked = await checkSyntax(app);
    place = placeOf(checked);
    if (place !== undefined) stack = checked;
  }
  const message = `${place ?? app}: ${error.message}`;
  const failure = fail("TENON_ERR_APPLICATION_LOAD", { message }, error);
  failure.stack = stack;
  return failure;
}

/** A loaded application. */
export interface Application {
  readonly adapter: Adapter;
  readonly hooks: HookExports;
}

/**
 * Loads an application's file and finds its shape.
 *
 * @param app absolute path
 * @param expected names of the hooks that the configuration expects
 * @throws {TENON_ERR_APPLICATION_LOAD} {TENON_ERR_APPLICATION_SHAPE} {TENON_ERR_APPLICATION_IDLE}
 */
export async function loadApplication(
  app: string,
  expected: readonly string[],
  takeover: Takeover,
): Promise<Application> {
  // As if Node had been started with it: cluster.fork() and many a "main module" test look there.
  process.argv[1] = app;
  const idle = new Promise<void>((resolve) => {
    process.once("beforeExit", () => resolve());
  });
  let application: ApplicationModule | undefined;
  try {
    application = await Promise.race([import(pathToFileURL(app).href), idle]);
  } catch (error) {
    throw await explainLoad(app, error);
  }
  if (application === undefined) throw fail("TENON_ERR_APPLICATION_IDLE", { app });
  const hooks = new HookExports(application as HookModule, app);
  const hasHooks = expected.some((name) => hooks.has(name));
  const serving = { messages: serveMessages, upgrade: serveUpgrade };
  return { adapter: await chooseAdapter(application, hasHooks, takeover, serving, idle), hooks };
}
