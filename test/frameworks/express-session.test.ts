// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Answer, Ask } from "../helpers/http-client.ts";
import { type Case, describeApplication, type Story } from "./cases.ts";

type Send = (path: string, options?: Ask) => Promise<Answer>;

const cases: Case[] = [
  {
    title: "sets a cookie when a session is begun",
    path: "/plain/views",
    varies: true,
    json: { views: 1 },
    expect: { "set-cookie": /^connect\.sid=s%3A[\w-]{32}\.[^;]+; Path=\/; HttpOnly$/ },
  },
  {
    title: "sets no cookie for an untouched session",
    path: "/plain/read",
    json: { views: 0, user: null },
    expect: { "set-cookie": null },
  },
  {
    title: "sets a cookie for an untouched session where told",
    path: "/eager/read",
    varies: true,
    expect: { "set-cookie": /^connect\.sid=/ },
  },
  {
    title: "sets a cookie with a name and options",
    path: "/named/views",
    varies: true,
    expect: { "set-cookie": /^own\.name=s%3A[^;]+; Path=\/named; SameSite=Strict$/ },
  },
  {
    title: "sets a cookie that expires",
    path: "/rolling/views",
    varies: true,
    expect: { "set-cookie": /; Expires=[^;]+ GMT; HttpOnly$/ },
  },
  {
    title: "sets no secure cookie over plain HTTP",
    path: "/secure/read",
    expect: { "set-cookie": null },
  },
  {
    title: "begins anew for a forged cookie",
    path: "/plain/views",
    headers: { Cookie: "connect.sid=s%3Aforged.AAAA" },
    varies: true,
    json: { views: 1 },
    expect: { "set-cookie": /^connect\.sid=/ },
  },
  {
    title: "begins anew for an unsigned cookie",
    path: "/plain/views",
    headers: { Cookie: "connect.sid=unsigned" },
    varies: true,
    json: { views: 1 },
  },
  {
    title: "sets a cookie before a stream",
    path: "/plain/stream",
    varies: true,
    text: "streamed with a session",
    expect: { "set-cookie": /^connect\.sid=/ },
  },
];

function cookieOf(answer: Answer): { headers: { Cookie: string } } {
  return { headers: { Cookie: answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? "" } };
}

async function viewsOf(send: Send, options: Ask, mount = "/plain"): Promise<number> {
  return (JSON.parse((await send(`${mount}/read`, options)).text) as { views: number }).views;
}

const stories: Story[] = [
  {
    title: "keeps a session over requests",
    run: async (send) => {
      const cookie = cookieOf(await send("/plain/views"));
      const again = await send("/plain/views", cookie);
      assert.deepEqual([again.text, again.headers["set-cookie"]], ['{"views":2}', undefined]);
      assert.equal(await viewsOf(send, cookie), 2);
    },
  },
  {
    title: "keeps the sessions of two clients apart",
    run: async (send) => {
      const [one, two] = [
        cookieOf(await send("/plain/views")),
        cookieOf(await send("/plain/views")),
      ];
      await send("/plain/views", one);
      assert.deepEqual([await viewsOf(send, one), await viewsOf(send, two)], [2, 1]);
    },
  },
  {
    title: "keeps what is streamed with a session",
    run: async (send) => {
      assert.equal(await viewsOf(send, cookieOf(await send("/plain/stream"))), 100);
    },
  },
  {
    title: "gives a new session at a login",
    run: async (send) => {
      const before = cookieOf(await send("/plain/views"));
      const login = await send("/plain/login/tobi", before);
      const after = cookieOf(login);
      assert.notEqual(after.headers.Cookie, before.headers.Cookie);
      assert.equal((await send("/plain/read", after)).text, '{"views":0,"user":"tobi"}');
      assert.equal(await viewsOf(send, before), 0);
    },
  },
  {
    title: "forgets a session at a logout",
    run: async (send) => {
      const cookie = cookieOf(await send("/plain/views"));
      await send("/plain/logout", cookie);
      assert.equal(await viewsOf(send, cookie), 0);
    },
  },
  {
    title: "destroys a session that is set to null where told",
    run: async (send) => {
      const cookie = cookieOf(await send("/unset/views"));
      await send("/unset/drop", cookie);
      assert.equal(await viewsOf(send, cookie, "/unset"), 0);
    },
  },
  {
    title: "keeps a session that is set to null otherwise",
    run: async (send) => {
      const cookie = cookieOf(await send("/plain/views"));
      await send("/plain/drop", cookie);
      assert.equal(await viewsOf(send, cookie), 1);
    },
  },
  {
    title: "sets the cookie at every answer when rolling",
    run: async (send) => {
      const cookie = cookieOf(await send("/rolling/views"));
      const again = await send("/rolling/read", cookie);
      assert.match(again.headers["set-cookie"]?.[0] ?? "", /^connect\.sid=/);
    },
  },
  {
    title: "serves 20 requests of one session at once",
    run: async (send) => {
      const cookie = cookieOf(await send("/plain/login/tobi"));
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => send("/plain/read", cookie)),
      );
      assert.ok(answers.every(({ text }) => text === '{"views":0,"user":"tobi"}'));
    },
  },
];

describeApplication("express-session", { file: "express-session.ts", cases, stories });
