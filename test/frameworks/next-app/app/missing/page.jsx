// SPDX-License-Identifier: Apache-2.0
import { notFound } from "next/navigation";

export default function Missing() {
  notFound();
}
