// SPDX-License-Identifier: Apache-2.0
import "reflect-metadata";
import { type MiddlewareConsumer, Module, type NestModule, VersioningType } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { CatsController, PartsController } from "./controllers.ts";
import { News, Stamp } from "./parts.ts";

@Module({ controllers: [CatsController, PartsController], providers: [News] })
class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(Stamp).forRoutes("*path");
  }
}

const app = await NestFactory.create(AppModule, { logger: ["error", "warn"] });
app.setGlobalPrefix("nest");
app.enableVersioning({ type: VersioningType.URI });
app.enableShutdownHooks();
await app.listen(process.env["PORT"] ?? 3000);
