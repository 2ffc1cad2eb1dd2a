// SPDX-License-Identifier: Apache-2.0
// A Fastify application, unmodified: it listens by itself, and runs alone with `node app.ts` too.
import fastify, { type FastifyInstance } from "fastify";

const app = fastify();

async function routes(scope: FastifyInstance): Promise<void> {
  scope.get("/", async () => ({ greeting: "Hello from Fastify." }));

  scope.get<{ Params: { name: string } }>("/greet/:name", async (request) => ({
    greeting: `Hello, ${request.params.name}!`,
  }));

  scope.post("/echo", async (request) => request.body);
}

await app.register(routes, { prefix: "/fastify" });
await app.register(routes);

await app.listen({ port: 3000 });
