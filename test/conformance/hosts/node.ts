// SPDX-License-Identifier: Apache-2.0
// The reference: node:http and node:https themselves, a process for each setup.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makePlaces } from "../../../ts/cli/private-httpd.ts";
import type { SetupName } from "../setups.ts";
import type { Host, ObserverPort, RunningHost } from "./host.ts";

const application = fileURLToPath(new URL("../application.ts", import.meta.url));

function spawnApplication(setup: SetupName, observer: number, tlsFolder: string): ChildProcess {
  const env = {
    PATH: process.env["PATH"],
    CONFORMANCE_SETUP: setup,
    CONFORMANCE_OBSERVER: String(observer),
    CONFORMANCE_LISTEN: "yes",
    ...(setup === "listener" ? { CONFORMANCE_TLS: tlsFolder } : {}),
  };
  const flags = ["--disable-warning=ExperimentalWarning"];
  return spawn(process.execPath, [...flags, application], { env, stdio: ["ignore", 2, 2] });
}

async function start(
  setups: readonly SetupName[],
  observer: ObserverPort,
  signal: AbortSignal,
): Promise<RunningHost> {
  const { directory } = await makePlaces(true);
  const children = setups.map((setup) => spawnApplication(setup, observer.port, directory));
  const stop = async (): Promise<void> => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill();
        await once(child, "exit");
      }),
    );
    rmSync(directory, { recursive: true });
  };
  try {
    await observer.connected(setups, signal);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port: (setup) => observer.application(setup).port,
    tlsPort: (setup) => observer.application(setup).tlsPort,
    stop,
  };
}

export const nodeHost: Host = {
  text: "node:http, the reference",
  serves: (setup) => setup !== "fetch",
  start,
};
