// SPDX-License-Identifier: Apache-2.0
import "./style.css";

export const metadata = { title: "Next.js behind httpd" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
