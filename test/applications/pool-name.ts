// SPDX-License-Identifier: Apache-2.0
// Answers with the name of its pool: shows whose code ran.
export default {
  fetch: (): Response => new Response(process.env["TENON_POOL"] ?? ""),
};
