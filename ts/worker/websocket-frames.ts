// SPDX-License-Identifier: Apache-2.0
// Follows the WebSocket frames (RFC 6455, 5.2) that an application writes, so that one of ours can stand between two of them.
// Used by tunnel-socket.ts.

/** Opcode of a close frame. */
const CLOSE = 8;
/** Longest head of a frame, masking key included, bytes. */
const HEAD_BYTES = 14;

/** A close frame of a server. @param code RFC 6455, 7.4.1, and the registry that it founded */
export function closeFrame(code: number): Uint8Array {
  return Uint8Array.of(0x80 | CLOSE, 2, code >> 8, code & 0xff);
}

/** Bytes of the masking key and of the extended length behind the first two bytes of a head. */
function restOfHead(second: number): number {
  const length = second & 0x7f;
  const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
  return extended + (second & 0x80 ? 4 : 0);
}

/** Where in its frames one direction of a WebSocket stands. */
export class WebSocketFrames {
  readonly #head = new Uint8Array(HEAD_BYTES);
  /** Bytes of the head that have come. */
  #have = 0;
  #payloadBytes = 0;
  #closed = false;

  /** No frame has begun that is not whole. */
  get between(): boolean {
    return this.#have === 0 && this.#payloadBytes === 0;
  }

  /** A close frame has begun: nothing may follow it. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Takes note of bytes, in any pieces. */
  follow(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#payloadBytes > 0) {
        const taken = Math.min(this.#payloadBytes, bytes.length - at);
        this.#payloadBytes -= taken;
        at += taken;
      } else {
        this.#head[this.#have] = bytes[at] as number;
        this.#have += 1;
        at += 1;
        this.#endHead();
      }
    }
  }

  /** When the head is whole, the payload is next. */
  #endHead(): void {
    const [first = 0, second = 0] = this.#head;
    if (this.#have < 2 || this.#have < 2 + restOfHead(second)) return;
    if ((first & 0x0f) === CLOSE) this.#closed = true;
    const view = new DataView(this.#head.buffer);
    const length = second & 0x7f;
    if (length === 126) this.#payloadBytes = view.getUint16(2);
    else if (length === 127) this.#payloadBytes = Number(view.getBigUint64(2));
    else this.#payloadBytes = length;
    this.#have = 0;
  }
}
