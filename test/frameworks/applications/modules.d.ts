// SPDX-License-Identifier: Apache-2.0
// Of the packages that ship no types: what the applications of this folder use of them.
declare module "koa" {
  import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";

  interface Cookies {
    get(name: string, options?: { signed?: boolean }): string | undefined;
    set(name: string, value?: string | null, options?: Record<string, unknown>): void;
  }

  export interface Context {
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    readonly headers: Record<string, string | undefined>;
    readonly method: string;
    readonly ip: string;
    readonly ips: string[];
    readonly protocol: string;
    readonly secure: boolean;
    readonly host: string;
    readonly hostname: string;
    readonly href: string;
    readonly querystring: string;
    readonly search: string;
    readonly query: Record<string, string | string[]>;
    readonly fresh: boolean;
    readonly subdomains: string[];
    readonly headerSent: boolean;
    readonly writable: boolean;
    readonly socket: { readonly remoteAddress: string };
    readonly state: Record<string, unknown>;
    readonly cookies: Cookies;
    readonly app: { emit(name: string, error: Error, context: Context): void };
    path: string;
    url: string;
    status: number;
    message: string;
    body: unknown;
    type: string;
    lastModified: Date;
    etag: string;
    respond: boolean;
    get(name: string): string;
    set(name: string | Record<string, string>, value?: string | string[]): void;
    append(name: string, value: string | string[]): void;
    remove(name: string): void;
    is(...types: string[]): string | false | null;
    accepts(...types: string[]): string | false;
    acceptsEncodings(...names: string[]): string | false;
    acceptsLanguages(...names: string[]): string | false;
    redirect(url: string): void;
    back(fallback?: string): void;
    attachment(name?: string): void;
    vary(name: string): void;
    flushHeaders(): void;
    throw(status: number, message?: string, properties?: object): never;
    assert(value: unknown, status: number, message?: string): void;
  }

  export type Middleware = (context: Context, next: () => Promise<void>) => unknown;

  export default class Koa {
    constructor(options?: { proxy?: boolean; keys?: string[] });
    keys: string[];
    silent: boolean;
    use(middleware: Middleware): this;
    on(name: "error", listener: (error: Error, context: Context) => void): this;
    callback(): RequestListener;
    listen(port: number, host: string): Server;
  }
}

declare module "multer" {
  import type { RequestHandler } from "express";

  interface Field {
    readonly name: string;
    readonly maxCount?: number;
  }
  interface Multer {
    single(name: string): RequestHandler;
    array(name: string, maxCount?: number): RequestHandler;
    fields(fields: readonly Field[]): RequestHandler;
    none(): RequestHandler;
    any(): RequestHandler;
  }
  interface Options {
    readonly dest?: string;
    readonly storage?: object;
    readonly limits?: Readonly<Record<string, number>>;
    fileFilter?(
      request: object,
      file: UploadedFile,
      done: (error: Error | null, accepted?: boolean) => void,
    ): void;
  }
  export interface UploadedFile {
    readonly fieldname: string;
    readonly originalname: string;
    readonly mimetype: string;
    readonly size: number;
    readonly buffer?: Buffer;
    readonly path?: string;
  }
  const multer: {
    (options?: Options): Multer;
    memoryStorage(): object;
    readonly MulterError: new () => Error & { readonly code: string; readonly field?: string };
  };
  export default multer;
}

declare module "busboy" {
  import type { IncomingHttpHeaders } from "node:http";
  import type { Readable, Writable } from "node:stream";

  interface FileInfo {
    readonly filename?: string;
    readonly encoding: string;
    readonly mimeType: string;
  }
  interface Busboy extends Writable {
    on(event: "file", listener: (name: string, file: Readable, info: FileInfo) => void): this;
    on(event: "field", listener: (name: string, value: string, info: object) => void): this;
    on(event: "filesLimit" | "fieldsLimit" | "partsLimit" | "close", listener: () => void): this;
    on(event: "error", listener: (error: Error) => void): this;
  }
  export default function busboy(options: {
    readonly headers: IncomingHttpHeaders;
    readonly limits?: Readonly<Record<string, number>>;
  }): Busboy;
}

declare module "compression" {
  import type { Request, RequestHandler, Response } from "express";

  interface Compression {
    (options?: {
      readonly threshold?: number | string;
      readonly level?: number;
      filter?(request: Request, response: Response): boolean;
    }): RequestHandler;
    filter(request: Request, response: Response): boolean;
  }
  const compression: Compression;
  export default compression;
}

declare module "express-session" {
  import type { RequestHandler } from "express";

  export interface Session {
    views?: number;
    user?: string;
    readonly id: string;
    readonly cookie: { maxAge: number | null; httpOnly: boolean };
    regenerate(done: (error?: Error) => void): void;
    destroy(done: (error?: Error) => void): void;
    save(done: (error?: Error) => void): void;
    reload(done: (error?: Error) => void): void;
    touch(): void;
  }
  export default function session(options: {
    readonly secret: string | readonly string[];
    readonly name?: string;
    readonly resave: boolean;
    readonly saveUninitialized: boolean;
    readonly rolling?: boolean;
    readonly unset?: string;
    readonly cookie?: object;
  }): RequestHandler;
}
