// SPDX-License-Identifier: Apache-2.0
import { revalidatePath } from "next/cache";

export function POST() {
  revalidatePath("/cached");
  return new Response("revalidated");
}
