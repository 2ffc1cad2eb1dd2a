// SPDX-License-Identifier: Apache-2.0
// Filters over bodies, after those of mod_python's and mod_perl's test programs.
import type { InputFilter, OutputFilter } from "../../../ts/index.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Step = (text: string) => string;

/** A transform over text of one byte a character; `last` is written at the end. */
function overText(step: Step, last: () => string = () => ""): TransformStream<Bytes, Bytes> {
  const send = (controller: TransformStreamDefaultController<Bytes>, text: string): void => {
    if (text !== "") controller.enqueue(Buffer.from(text, "latin1"));
  };
  return new TransformStream({
    transform: (piece, controller) => send(controller, step(Buffer.from(piece).toString("latin1"))),
    flush: (controller) => send(controller, last()),
  });
}

/** A transform that gathers all and writes the result at the end. */
function whole(finish: Step): TransformStream<Bytes, Bytes> {
  let gathered = "";
  return overText(
    (text) => {
      gathered += text;
      return "";
    },
    () => finish(gathered),
  );
}

export const upper: OutputFilter = () => overText((text) => text.toUpperCase());

/** Each line reversed, with a signature. */
export const reverse: OutputFilter = () => {
  let rest = "";
  const turn: Step = (line) => [...line].toReversed().join("");
  return overText(
    (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      return lines.map((line) => `${turn(line)}\n`).join("");
    },
    () => `${turn(rest)}Reversed by mod_perl 2.0\n`,
  );
};

/** A # for each block, then how many there were: what it knows lasts over all pieces. */
export const blocks: OutputFilter = () => {
  const size = 5003;
  let left = "";
  let count = 0;
  return overText(
    (text) => {
      left += text;
      const now = Math.floor(left.length / size);
      left = left.slice(now * size);
      count += now;
      return "#".repeat(now);
    },
    () => `${left}\nreceived ${count} complete blocks\n`,
  );
};

export const withoutDashes: OutputFilter = () => whole((text) => text.replaceAll("-", ""));

export const prefix: OutputFilter = () => {
  let begun = false;
  return overText((text) => {
    const before = begun ? "" : "PREFIX_";
    begun = true;
    return before + text;
  });
};

export const suffix: OutputFilter = () =>
  overText(
    (text) => text,
    () => "_SUFFIX",
  );

export const declineOutput: OutputFilter = (r, { headers }) => {
  headers.set("X-Declined", r.phase);
  return undefined;
};

/** Puts another resource in the place of a tag. */
export const include: OutputFilter = async (r) => {
  if (r.isSubrequest) return undefined;
  const included = await (await r.subrequest("/included.txt")).text();
  return whole((text) => `${text.replace("<tag>\n", included)}filter\n`);
};

/** Asks for the very thing that it filters, whose filter this is too. */
export const lowerWithItself: OutputFilter = async (r, { headers }) => {
  if (!r.isSubrequest) {
    const same = await r.subrequest(r.uri);
    headers.set("X-Itself", String((await same.text()).length));
  }
  return overText((text) => text.toLowerCase());
};

export const lowerInput: InputFilter = () => overText((text) => text.toLowerCase());

export const reverseInput: InputFilter = () => whole((text) => [...text].toReversed().join(""));

/** Only the first bytes; the rest is read and dropped. */
export const consumeInput: InputFilter = () => {
  let left = 1105;
  return overText((text) => {
    const taken = text.slice(0, left);
    left -= taken.length;
    return taken;
  });
};

/** Works on units that no piece need hold whole. */
export const underrunInput: InputFilter = () => {
  const size = 1024 * 16 + 5;
  let stored = "";
  return overText(
    (text) => {
      stored += text;
      const usable = stored.length - (stored.length % size);
      const units = stored.slice(0, usable);
      stored = stored.slice(usable);
      return units.toLowerCase();
    },
    () => stored.toLowerCase(),
  );
};

export const sandwichInput: InputFilter = () => {
  let begun = false;
  return overText(
    (text) => {
      const before = begun ? "" : "HEADER\n";
      begun = true;
      return before + text;
    },
    () => "TAIL\n",
  );
};

export const passInput: InputFilter = () => overText((text) => text);

export const declineInput: InputFilter = () => undefined;

export const errorInput: InputFilter = () => {
  throw new Error("This filter must die");
};

/** Reads, and then declines what it has read. */
export const errorAfterReading: InputFilter = () =>
  new TransformStream<Bytes, Bytes>({
    transform: () => {
      throw new Error("This filter has read and will not go on");
    },
  });
