// SPDX-License-Identifier: Apache-2.0
// The same 12 bytes from a listener in JavaScript: nothing of it needs to be compiled first.

export default (_request, response) => {
  response.writeHead(200, { "Content-Type": "text/plain" }).end("hello world\n");
};
