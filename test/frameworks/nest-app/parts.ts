// SPDX-License-Identifier: Apache-2.0
// What stands around the handlers: a guard, an interceptor, a pipe, an exception filter, a middleware and a service.
import {
  type ArgumentsHost,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type NestMiddleware,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type PipeTransform,
} from "@nestjs/common";
import { map, type Observable, Subject } from "rxjs";

@Injectable()
export class News implements OnModuleDestroy, OnApplicationShutdown {
  readonly items: Subject<{ data: object }> = new Subject();

  say(text: string): void {
    this.items.next({ data: { text } });
  }

  onModuleDestroy(): void {
    console.log("module destroyed");
    this.items.complete();
  }

  async onApplicationShutdown(signal?: string): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    console.log(`shut down by ${signal}`);
  }
}

@Injectable()
export class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest().headers.authorization === "Bearer secret";
  }
}

@Injectable()
export class Wrap implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data) => ({ data })));
  }
}

@Injectable()
export class NotEmpty implements PipeTransform<string, string> {
  transform(value: string): string {
    if (value.trim() === "") throw new BadRequestException("a name must not be empty");
    return value.trim();
  }
}

export class OutOfTea extends Error {}

@Catch(OutOfTea)
export class TeaFilter implements ExceptionFilter<OutOfTea> {
  catch(error: OutOfTea, host: ArgumentsHost): void {
    host.switchToHttp().getResponse().status(418).json({ teapot: error.message });
  }
}

@Injectable()
export class Stamp implements NestMiddleware {
  use(
    _request: unknown,
    response: { setHeader(name: string, value: string): void },
    next: () => void,
  ): void {
    response.setHeader("X-Stamp", "stamped");
    next();
  }
}
