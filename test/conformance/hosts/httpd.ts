// SPDX-License-Identifier: Apache-2.0
// httpd with Tenon: a pool of one worker and a virtual host by name for each setup.
import { fileURLToPath } from "node:url";
import { startHttpd, type TestHttpd } from "../../helpers/httpd.ts";
import { hostName } from "../client/client.ts";
import type { SetupName } from "../setups.ts";
import type { Host, ObserverPort, RunningHost } from "./host.ts";

const application = fileURLToPath(new URL("../application.ts", import.meta.url));

/** Lines of the log that cases cause on purpose: answers that are cut off or short, fetch functions that fail, targets that are no name of a file. */
const CAUSED = ["TN0005", "TN0006", "TN0007", "AH00036", "AH00127", "AH10244"];

function poolOf(setup: SetupName, observer: number): string {
  return `<TenonPool ${setup}>
  TenonApp "${application}"
  TenonProcesses 1 1
  TenonConcurrency 1000
  TenonEnv CONFORMANCE_SETUP ${setup}
  TenonEnv CONFORMANCE_OBSERVER ${observer}
</TenonPool>`;
}

/** The first virtual host is the one of requests without a name, so of "listener". */
function virtualHost(setup: SetupName, port: number): string {
  return `<VirtualHost 127.0.0.1:${port}>
  ServerName ${hostName(setup)}
  SetHandler tenon:${setup}
</VirtualHost>`;
}

async function start(
  setups: readonly SetupName[],
  observer: ObserverPort,
  signal: AbortSignal,
): Promise<RunningHost> {
  const httpd: TestHttpd = await startHttpd({
    tls: true,
    text: (places) =>
      [
        ...setups.map((setup) => poolOf(setup, observer.port)),
        // Of requests without a name, and of those over TLS.
        `SetHandler tenon:${setups.includes("listener") ? "listener" : setups[0]}`,
        ...setups.map((setup) => virtualHost(setup, places.port)),
      ].join("\n"),
  });
  httpd.expectLog(...CAUSED);
  try {
    await observer.connected(setups, signal);
  } catch (error) {
    console.error(httpd.log().tail());
    await httpd.stop();
    throw error;
  }
  return {
    port: () => httpd.places.port,
    tlsPort: () => httpd.places.tlsPort,
    stop: () => httpd.stop(),
  };
}

export const httpdHost: Host = {
  text: "Apache httpd with Tenon",
  serves: () => true,
  start,
};
