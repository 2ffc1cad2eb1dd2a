// SPDX-License-Identifier: Apache-2.0
import { NextResponse } from "next/server";

export function proxy(request) {
  if (request.nextUrl.pathname === "/rewritten") {
    return NextResponse.rewrite(new URL("/dynamic/rewritten", request.url));
  }
  const response = NextResponse.next();
  response.headers.set("X-Proxy", request.nextUrl.pathname);
  return response;
}

export const config = { matcher: ["/rewritten", "/dynamic/:path*"] };
