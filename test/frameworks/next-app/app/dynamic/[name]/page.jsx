// SPDX-License-Identifier: Apache-2.0
import { cookies, headers } from "next/headers";

export default async function Dynamic({ params, searchParams }) {
  const { name } = await params;
  const { query } = await searchParams;
  const own = (await headers()).get("x-own");
  const cookie = (await cookies()).get("flavour")?.value;
  return <p>{`name ${name}, query ${query}, header ${own}, cookie ${cookie}`}</p>;
}
