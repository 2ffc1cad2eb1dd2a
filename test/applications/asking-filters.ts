// SPDX-License-Identifier: Apache-2.0
// Filters that ask httpd: before the body, and in the middle of it.
import type { InputFilter, OutputFilter } from "../../ts/index.ts";

/** Puts a variable and a subrequest's status before the body. */
export const outputFilter: OutputFilter = async (r, { body }) => {
  const method = await r.variable("%{REQUEST_METHOD}");
  return (async function* () {
    yield `${method} `;
    if (body !== null) yield* body;
  })();
};

/** Asks when its answer has begun. */
export const late: OutputFilter = async function* (r, { body }) {
  yield "begun ";
  try {
    yield await r.variable("%{REQUEST_METHOD}");
  } catch (error) {
    yield String(error);
  }
  if (body !== null) yield* body;
};

/** Puts a variable before the body of a request. */
export const inputFilter: InputFilter = async (r, body) => {
  const method = await r.variable("%{REQUEST_METHOD}");
  return (async function* () {
    yield `${method} `;
    yield* body;
  })();
};
