// SPDX-License-Identifier: Apache-2.0
export default function NotFound() {
  return <h1>there is no such page</h1>;
}
