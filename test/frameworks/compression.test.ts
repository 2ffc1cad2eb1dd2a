// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { brotliDecompressSync, createGunzip, gunzipSync, inflateSync } from "node:zlib";
import { head, open } from "../helpers/http-client.ts";
import { type Case, describeApplication, type Story } from "./cases.ts";

const LONG = "compress me. ".repeat(1000);

const taking = (encodings: string): { headers: Record<string, string> } => ({
  headers: { "Accept-Encoding": encodings },
});
const plain = { "content-encoding": null };

const cases: Case[] = [
  {
    title: "sends gzip",
    path: "/default/long",
    ...taking("gzip"),
    expect: { "content-encoding": "gzip", vary: "Accept-Encoding" },
  },
  {
    title: "sends br",
    path: "/default/long",
    ...taking("br"),
    expect: { "content-encoding": "br" },
  },
  {
    title: "prefers br",
    path: "/default/long",
    ...taking("gzip, br"),
    expect: { "content-encoding": "br" },
  },
  {
    title: "sends deflate",
    path: "/default/long",
    ...taking("deflate"),
    expect: { "content-encoding": "deflate" },
  },
  {
    title: "heeds qualities",
    path: "/default/long",
    ...taking("br;q=0.1, gzip"),
    expect: { "content-encoding": "gzip" },
  },
  {
    title: "sends plainly to a client that takes nothing",
    path: "/default/long",
    text: LONG,
    expect: { ...plain, vary: "Accept-Encoding", "content-length": "13000" },
  },
  {
    title: "sends plainly to a client that takes another",
    path: "/default/long",
    ...taking("x-own"),
    text: LONG,
    expect: plain,
  },
  {
    title: "sends plainly where gzip is refused",
    path: "/default/long",
    ...taking("gzip;q=0, *;q=0, identity"),
    text: LONG,
    expect: plain,
  },
  {
    title: "sends short bodies plainly",
    path: "/default/short",
    ...taking("gzip"),
    text: "short",
    expect: plain,
  },
  {
    title: "sends short bodies packed without a threshold",
    path: "/always/short",
    ...taking("gzip"),
    expect: { "content-encoding": "gzip" },
  },
  {
    title: "sends long bodies plainly below the threshold",
    path: "/never/long",
    ...taking("gzip"),
    text: LONG,
    expect: plain,
  },
  {
    title: "sends at another level",
    path: "/level/long",
    ...taking("gzip"),
    expect: { "content-encoding": "gzip" },
  },
  {
    title: "filters",
    path: "/filter/long",
    headers: { "Accept-Encoding": "gzip", "X-No-Compression": "1" },
    text: LONG,
    expect: plain,
  },
  {
    title: "packs what the filter lets through",
    path: "/filter/long",
    ...taking("gzip"),
    expect: { "content-encoding": "gzip" },
  },
  {
    title: "packs JSON",
    path: "/default/json",
    ...taking("gzip"),
    expect: { "content-encoding": "gzip" },
  },
  {
    title: "does not pack images",
    path: "/default/image",
    ...taking("gzip"),
    text: LONG,
    expect: plain,
  },
  {
    title: "does not pack what is encoded",
    path: "/default/encoded",
    ...taking("gzip"),
    text: LONG,
    expect: { "content-encoding": "x-own" },
  },
  {
    title: "does not pack what must stay",
    path: "/default/no-transform",
    ...taking("gzip"),
    text: LONG,
    expect: { ...plain, vary: null },
  },
  {
    title: "keeps an ETag",
    path: "/default/etag",
    ...taking("gzip"),
    expect: { "content-encoding": "gzip", etag: '"strong"' },
  },
  {
    title: "keeps Vary",
    path: "/default/vary",
    ...taking("gzip"),
    expect: { vary: "Accept-Encoding" },
  },
  {
    title: "answers HEAD plainly",
    path: "/default/long",
    method: "HEAD",
    ...taking("gzip"),
    text: "",
    expect: plain,
  },
  {
    title: "packs a stream",
    path: "/default/pipe",
    ...taking("gzip"),
    expect: { "content-encoding": "gzip" },
  },
  {
    title: "packs what comes with end()",
    path: "/default/end",
    ...taking("gzip"),
    expect: { "content-encoding": "gzip" },
  },
  {
    title: "packs what had a length",
    path: "/default/length",
    ...taking("gzip"),
    expect: { "content-encoding": "gzip" },
  },
  {
    title: "keeps a length of what stays plain",
    path: "/default/length",
    text: LONG,
    expect: { "content-length": "13000" },
  },
  {
    title: "leaves 304 alone",
    path: "/default/304",
    ...taking("gzip"),
    status: 304,
    text: "",
    expect: plain,
  },
  {
    title: "leaves 204 alone",
    path: "/default/204",
    ...taking("gzip"),
    status: 204,
    text: "",
    expect: plain,
  },
];

const stories: Story[] = [
  {
    title: "packs what unpacks to the same",
    run: async (send) => {
      const unpack = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync };
      for (const [encoding, inflate] of Object.entries(unpack)) {
        const { body } = await send("/default/long", taking(encoding));
        assert.equal(inflate(body).toString(), LONG);
      }
    },
  },
  {
    title: "flushes an event before the next one is there",
    run: async (send, url) => {
      const request = open(`${url}/default/events`, taking("gzip"));
      request.end();
      const events = (await head(request)).pipe(createGunzip()).setEncoding("utf8");
      assert.equal((await once(events, "data"))[0], "data: one\n\n");
      const second = once(events, "data");
      await send("/default/next", { method: "POST" });
      assert.equal((await second)[0], "data: two\n\n");
      await once(events.resume(), "end");
    },
  },
];

describeApplication("compression", { file: "compression.ts", cases, stories });
