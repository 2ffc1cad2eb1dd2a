// SPDX-License-Identifier: Apache-2.0
import { type Case, describeApplication, range } from "./cases.ts";

const html = "text/html; charset=utf-8";
const json = "application/json; charset=utf-8";
const text = "text/plain; charset=utf-8";

const sentFiles: Case[] = [
  {
    title: "sends a file",
    path: "/file/plain",
    text: "hello from a file\n",
    expect: {
      "content-type": text,
      "content-length": "18",
      "accept-ranges": "bytes",
      etag: /^W\/"12-/,
      "last-modified": / GMT$/,
      "cache-control": "public, max-age=0",
    },
  },
  {
    title: "answers HEAD of a file",
    path: "/file/plain",
    method: "HEAD",
    text: "",
    expect: { "content-length": "18" },
  },
  {
    title: "sends a range of a file",
    path: "/file/plain",
    ...range("bytes=0-4"),
    status: 206,
    text: "hello",
    expect: { "content-range": "bytes 0-4/18", "content-length": "5" },
  },
  {
    title: "sends the end of a file",
    path: "/file/plain",
    ...range("bytes=-5"),
    status: 206,
    text: "file\n",
    expect: { "content-range": "bytes 13-17/18" },
  },
  {
    title: "sends the rest of a file",
    path: "/file/plain",
    ...range("bytes=13-"),
    status: 206,
    text: "file\n",
  },
  {
    title: "refuses a range behind the end",
    path: "/file/plain",
    ...range("bytes=50-60"),
    status: 416,
    expect: { "content-range": "bytes */18" },
  },
  {
    title: "ignores a range of another unit",
    path: "/file/plain",
    ...range("items=0-1"),
    text: "hello from a file\n",
  },
  {
    title: "sends the whole where If-Range does not match",
    path: "/file/plain",
    headers: { Range: "bytes=0-4", "If-Range": '"other"' },
    text: "hello from a file\n",
  },
  {
    title: "answers 304 to If-Modified-Since",
    path: "/file/plain",
    headers: { "If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT" },
    status: 304,
    text: "",
  },
  {
    title: "answers 412 to If-Unmodified-Since",
    path: "/file/plain",
    headers: { "If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT" },
    status: 412,
  },
  {
    title: "answers 412 to If-Match of another",
    path: "/file/plain",
    headers: { "If-Match": '"other"' },
    status: 412,
  },
  {
    title: "sends a file with options",
    path: "/file/options",
    text: "hello from a file\n",
    expect: {
      "x-file": "yes",
      "last-modified": null,
      "cache-control": "public, max-age=5",
    },
  },
  {
    title: "sends no ranges where they are off",
    path: "/file/no-range",
    ...range("bytes=0-4"),
    text: "hello from a file\n",
    expect: { "accept-ranges": null },
  },
  { title: "hides a dot file", path: "/file/hidden", status: 404 },
  { title: "answers 404 for a missing file", path: "/file/missing", status: 404 },
  { title: "refuses a path outside of the root", path: "/file/outside", status: 403 },
  {
    title: "calls back when a file is missing",
    path: "/file/callback",
    status: 404,
    text: "callback: ENOENT",
  },
  {
    title: "sets Content-Disposition in UTF-8",
    path: "/file/attachment",
    expect: {
      "content-disposition":
        "attachment; filename=\"r?port.json\"; filename*=UTF-8''r%C3%A4port.json",
      "content-type": json,
    },
  },
  {
    title: "sets Content-Disposition alone",
    path: "/file/attachment-bare",
    expect: { "content-disposition": "attachment" },
  },
  {
    title: "offers a file as download",
    path: "/file/download",
    text: "hello from a file\n",
    expect: { "content-disposition": "attachment; filename=hello.txt", "content-type": text },
  },
  {
    title: "offers a file under another name",
    path: "/file/download-named",
    json: { file: true },
    expect: { "content-disposition": "attachment; filename=named.json" },
  },
];

const staticFiles: Case[] = [
  {
    title: "serves a file",
    path: "/files/hello.txt",
    text: "hello from a file\n",
    expect: { "content-type": text, "content-length": "18" },
  },
  {
    title: "serves JSON",
    path: "/files/data.json",
    json: { file: true },
    expect: { "content-type": json },
  },
  {
    title: "serves a file with a space in its name",
    path: "/files/with%20space.txt",
    text: "spaced\n",
  },
  {
    title: "serves the index of a folder",
    path: "/files/folder/",
    text: "<h1>folder</h1>\n",
    expect: { "content-type": html },
  },
  {
    title: "redirects to a folder",
    path: "/files/folder",
    status: 301,
    expect: { location: "/files/folder/" },
  },
  {
    title: "redirects to a folder with its query",
    path: "/files/folder?a=b",
    status: 301,
    expect: { location: "/files/folder/?a=b" },
  },
  { title: "falls through for a missing file", path: "/files/missing", status: 404 },
  { title: "falls through for a dot file", path: "/files/.hidden", status: 404 },
  {
    title: "falls through for another method",
    path: "/files/hello.txt",
    method: "POST",
    status: 404,
  },
  { title: "refuses an encoded way out", path: "/files/%2e%2e%2fexpress.ts", status: 404 },
  { title: "refuses an invalid escape", path: "/files/%E0%A4%25A", status: 404 },
  {
    title: "serves a range",
    path: "/files/hello.txt",
    ...range("bytes=6-9"),
    status: 206,
    text: "from",
    expect: { "content-range": "bytes 6-9/18" },
  },
  {
    title: "serves several ranges as the whole",
    path: "/files/hello.txt",
    ...range("bytes=0-1,4-5"),
    text: "hello from a file\n",
  },
  {
    title: "refuses a range that no file has",
    path: "/files/hello.txt",
    ...range("bytes=100-"),
    status: 416,
  },
  {
    title: "answers HEAD",
    path: "/files/hello.txt",
    method: "HEAD",
    text: "",
    expect: { "content-length": "18" },
  },
  {
    title: "answers HEAD of a range",
    path: "/files/hello.txt",
    method: "HEAD",
    ...range("bytes=0-1"),
    status: 206,
    text: "",
    expect: { "content-length": "2" },
  },
  { title: "denies a dot file", path: "/files-strict/.hidden", status: 403 },
  {
    title: "answers 404 itself without falling through",
    path: "/files-strict/missing",
    status: 404,
  },
  {
    title: "answers 405 itself without falling through",
    path: "/files-strict/hello.txt",
    method: "POST",
    status: 405,
    expect: { allow: "GET, HEAD" },
  },
  { title: "does not redirect where that is off", path: "/files-strict/folder", status: 404 },
  { title: "serves no index where that is off", path: "/files-strict/folder/", status: 404 },
  {
    title: "serves a dot file where that is allowed",
    path: "/files-open/.hidden",
    text: "hidden\n",
  },
  {
    title: "caches as told",
    path: "/files-open/hello.txt",
    expect: {
      "cache-control": "public, max-age=3600, immutable",
      etag: null,
      "last-modified": null,
    },
  },
  {
    title: "tries extensions",
    path: "/files-open/page",
    text: "<p>page</p>\n",
    expect: { "content-type": html },
  },
];

describeApplication("Express: files", {
  file: "express.ts",
  cases: [...sentFiles, ...staticFiles],
});
