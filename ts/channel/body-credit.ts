// SPDX-License-Identifier: Apache-2.0
// How much of a request's body the host may send, and whether what it sends is what it said. Kept by an exchange of itself.
import { WireError, WireNumber } from "../wire/protocol.ts";

/** Body that may be on its way to the application at once, bytes. It bounds the memory of an upload. */
const CREDIT_BYTES = 262144;

/** Credit and length of one body: the request's, a tunnel's, or that of a reply. */
export class BodyCredit {
  /** Whether the body has come whole. */
  ended: boolean;
  #receivedBytes = 0;
  #declaredBytes: number | undefined;
  /** All that was ever granted, bytes. */
  #granted = 0;
  /** What is granted and has not come, bytes. */
  #credit = 0;

  constructor(declaredBytes: number | undefined, ended: boolean) {
    this.#declaredBytes = declaredBytes;
    this.ended = ended;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Counts a piece that has come. Returns the error of one that must not be, or 0. */
  receive(bytes: number): WireError | 0 {
    if (this.ended) return WireError.OUT_OF_ORDER;
    const declared = this.#declaredBytes;
    this.#receivedBytes += bytes;
    if (this.#receivedBytes > this.#granted + WireNumber.EAGER_BODY_BYTES) {
      return WireError.OVER_CREDIT;
    }
    if (declared !== undefined && this.#receivedBytes > declared) return WireError.BAD_LENGTH;
    // What a host sends before it has seen the first PULL counts too: at worst it is then allowed a little more.
    this.#credit = Math.max(0, this.#credit - bytes);
    return 0;
  }

  /** Ends the body. @param length the body's, of END; -1 by flag */
  end(length: number): WireError | 0 {
    const declared = this.#declaredBytes;
    if (this.ended) return WireError.OUT_OF_ORDER;
    if (length >= 0 && length !== this.#receivedBytes) return WireError.BAD_LENGTH;
    if (declared !== undefined && declared !== this.#receivedBytes) return WireError.BAD_LENGTH;
    this.ended = true;
    return 0;
  }

  /** Another body begins behind this one: the bytes that a tunnel carries. What was granted goes on to count. */
  goOn(): void {
    this.ended = false;
    this.#declaredBytes = undefined;
  }

  /** Grants more when it is time; 0 while the host may send enough as it is. */
  grant(): number {
    const declared = this.#declaredBytes;
    const aim =
      declared === undefined
        ? CREDIT_BYTES
        : Math.min(CREDIT_BYTES, declared - this.#receivedBytes);
    if (this.#credit >= aim || this.#credit > CREDIT_BYTES / 2) return 0;
    const more = aim - this.#credit;
    this.#granted += more;
    this.#credit = aim;
    return more;
  }

  /** Grants a filter's credit beyond all that has come; 0 when it is granted. */
  grantFilter(): number {
    const more = this.#receivedBytes + WireNumber.FILTER_CREDIT_BYTES - this.#granted;
    if (more <= 0 || this.ended) return 0;
    this.#granted += more;
    return more;
  }
}
