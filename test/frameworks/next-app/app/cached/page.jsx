// SPDX-License-Identifier: Apache-2.0
export const revalidate = 3600;

export default function Cached() {
  return <p>{`made at ${process.hrtime.bigint()} by ${process.pid}`}</p>;
}
