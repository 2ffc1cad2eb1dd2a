// SPDX-License-Identifier: Apache-2.0
import { permanentRedirect } from "next/navigation";

export default function Old() {
  permanentRedirect("/");
}
