// SPDX-License-Identifier: Apache-2.0
import { cookies } from "next/headers";
import { redirect } from "next/navigation";

async function submit(data) {
  "use server";
  (await cookies()).set("said", String(data.get("text")));
  redirect("/form");
}

export default async function Form() {
  const said = (await cookies()).get("said")?.value ?? "nothing";
  return (
    <form action={submit}>
      <p>{`said ${said}`}</p>
      <input name="text" />
    </form>
  );
}
