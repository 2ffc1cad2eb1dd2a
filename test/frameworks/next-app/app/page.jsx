// SPDX-License-Identifier: Apache-2.0
import Image from "next/image";
import picture from "../public/picture.png";
import { Counter } from "./counter.jsx";

export default function Page() {
  return (
    <main>
      <h1>static page</h1>
      <Image src={picture} alt="a picture" />
      <Counter />
    </main>
  );
}
