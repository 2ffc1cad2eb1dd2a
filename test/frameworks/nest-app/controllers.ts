// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from "node:fs";
import {
  Body,
  Controller,
  Get,
  Header,
  Headers,
  HttpCode,
  type MessageEvent,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Redirect,
  Res,
  Sse,
  StreamableFile,
  UploadedFile,
  UploadedFiles,
  UseFilters,
  UseGuards,
  UseInterceptors,
  Version,
} from "@nestjs/common";
import { FileInterceptor, FilesInterceptor } from "@nestjs/platform-express";
import type { Observable } from "rxjs";
import { News, NotEmpty, OutOfTea, TeaFilter, TokenGuard, Wrap } from "./parts.ts";

interface Upload {
  readonly originalname: string;
  readonly mimetype: string;
  readonly size: number;
}

@Controller({ path: "cats", version: "1" })
export class CatsController {
  @Get(":id")
  find(
    @Param("id", ParseIntPipe) id: number,
    @Query("colour") colour: string,
    @Headers("x-own") own: string,
  ): object {
    if (id === 404) throw new NotFoundException(`no cat ${id}`);
    return { id, colour, own };
  }

  @Post()
  @HttpCode(202)
  create(@Body("name", NotEmpty) name: string, @Body() whole: object): object {
    return { name, whole };
  }

  @Get()
  @Version("2")
  second(): object {
    return { version: 2 };
  }

  @Get("of/secret")
  @UseGuards(TokenGuard)
  @UseInterceptors(Wrap)
  secret(): string {
    return "purr";
  }
}

@Controller("parts")
export class PartsController {
  constructor(private readonly news: News) {}

  @Get("tea")
  @UseFilters(TeaFilter)
  tea(): never {
    throw new OutOfTea("out of tea");
  }

  @Get("crash")
  crash(): never {
    throw new Error("an inner secret");
  }

  @Get("moved")
  @Redirect("/nest/parts/there", 301)
  moved(): void {}

  @Post("upload")
  @UseInterceptors(FileInterceptor("file"))
  upload(@UploadedFile() file: Upload, @Body() fields: object): object {
    const { originalname, mimetype, size } = file;
    return { originalname, mimetype, size, fields: { ...fields } };
  }

  @Post("uploads")
  @UseInterceptors(FilesInterceptor("files"))
  uploads(@UploadedFiles() files: Upload[]): number[] {
    return files.map(({ size }) => size);
  }

  @Get("file")
  @Header("Content-Type", "text/plain; charset=utf-8")
  file(): StreamableFile {
    const stream = createReadStream(new URL(import.meta.url));
    return new StreamableFile(stream, { disposition: 'attachment; filename="source.js"' });
  }

  @Sse("news")
  listen(): Observable<MessageEvent> {
    return this.news.items;
  }

  @Post("news")
  say(@Body("text") text: string): string {
    this.news.say(text);
    return "said";
  }

  @Get("raw")
  raw(@Res() response: { status(code: number): { send(text: string): void } }): void {
    response.status(203).send("by express");
  }
}
