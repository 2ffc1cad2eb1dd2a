// SPDX-License-Identifier: Apache-2.0
import { Suspense } from "react";

export const dynamic = "force-dynamic";

async function Late() {
  // Of this process: another request lets go of what this one waits for.
  globalThis.released ??= Promise.withResolvers();
  await globalThis.released.promise;
  return <p>late part</p>;
}

export default function Streaming() {
  return (
    <main>
      <p>early part</p>
      <Suspense fallback={<p>waiting</p>}>
        <Late />
      </Suspense>
    </main>
  );
}
