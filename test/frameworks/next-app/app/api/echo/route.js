// SPDX-License-Identifier: Apache-2.0
import { NextResponse } from "next/server";

export async function GET(request) {
  const response = NextResponse.json({ query: request.nextUrl.searchParams.get("query") });
  response.cookies.set("first", "1");
  response.cookies.set("second", "2", { httpOnly: true });
  return response;
}

export async function POST(request) {
  return new Response(request.body, {
    status: 201,
    headers: { "Content-Type": request.headers.get("content-type") ?? "" },
  });
}
