// SPDX-License-Identifier: Apache-2.0
export const dynamic = "force-dynamic";

export function POST() {
  globalThis.released?.resolve();
  globalThis.released = undefined;
  return new Response("released");
}
