// SPDX-License-Identifier: Apache-2.0
// What filters are given and return.

/** What `new Headers()` takes. */
export type HeadersLike = ConstructorParameters<typeof Headers>[0];

/** Bytes of a body, as a filter may give them; text is sent as UTF-8. */
export type FilterBody =
  | ReadableStream<Uint8Array | string>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>
  | Uint8Array
  | string;

/** What a body is sent through: a TransformStream, or anything that has its two sides. */
export interface FilterTransform {
  readonly writable: WritableStream<Uint8Array>;
  readonly readable: ReadableStream<Uint8Array | string>;
}

/** The response that an output filter is asked about. */
export interface FilterableResponse {
  readonly status: number;
  /** All headers; those that a filter changes here are changed in the response. */
  readonly headers: Headers;
  /** The body, by demand; null where none can be: HEAD, 204 and 304. */
  readonly body: ReadableStream<Uint8Array> | null;
}

/** A response in place of the one that was filtered. What is left out stays as it was. */
export interface FilteredResponse {
  readonly status?: number;
  readonly headers?: NonNullable<HeadersLike>;
  readonly body?: FilterBody | FilterTransform | null;
  /**
   * The same body always becomes the same: ETag (made weak) and Last-Modified stay, and conditional requests are answered by them. Otherwise both
   * are dropped, but for those that the filter sets.
   */
  readonly deterministic?: boolean;
}

/**
 * What an output filter returns: nothing, when the body is to stay as it is; a transform or a body; a response; or a status from 400 to 599 that is
 * answered in its place.
 */
export type OutputFilterResult =
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a function without return is one of these
  | void
  | number
  | FilterBody
  | FilterTransform
  | FilteredResponse;

/** What an input filter returns: nothing, when the body is to stay as it is; a transform or a body; or a status from 400 to 599 to refuse the request with. */
export type InputFilterResult =
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a function without return is one of these
  | void
  | number
  | FilterBody
  | FilterTransform;
