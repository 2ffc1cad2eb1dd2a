// SPDX-License-Identifier: Apache-2.0
// The request as a hook sees and changes it (httpd's request_rec). Made by run.ts; what is not read costs nothing.
import { fail } from "../errors.ts";
import { numberOf } from "../facts.ts";
import type { Entry } from "../wire/entries.ts";
import type { RequestHead } from "../wire/message.ts";
import { AskKind, EntryOperation, EntryTable, Fact, phaseRows } from "../wire/protocol.ts";
import type { Answered } from "./asking.ts";
import type { HookLog } from "./hook-log.ts";
import { type Credentials, type FileInfo, fileInfoOf, readBasic, type TlsInfo } from "./parts.ts";
import type { RequestState } from "./state.ts";
import {
  headerRules,
  PairTable,
  type ReadonlyTable,
  type Table,
  type TableRules,
  textRules,
} from "./table.ts";
import { bytesOf, textOf } from "./text.ts";

/** What a request needs of the exchange that it belongs to. */
export interface RequestHost {
  ask(kind: AskKind, text: string, rawHeaders: readonly string[]): Promise<Answered>;
  /** Tells of the exchange's end. */
  readonly signal: AbortSignal;
  /** The state that is held for the request; made when there is none. */
  state(): RequestState;
  /** Whether state is held. */
  readonly stated: boolean;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly log: HookLog;
}

/** What a subrequest is made with. */
export interface SubrequestOptions {
  /** Default GET. */
  readonly method?: string;
  /** Beside those that httpd takes over from the request. */
  readonly headers?: ConstructorParameters<typeof Headers>[0];
}

/** Names of the phases, as httpd and TenonHook have them. */
export type PhaseName = (typeof phaseRows)[number]["directive"];

/** A field of the record that a hook may set; false where it may not be unset. */
type Settable =
  | "user"
  | "ap_auth_type"
  | "uri"
  | "args"
  | "filename"
  | "path_info"
  | "handler"
  | "content_type"
  | "status"
  | "redirect";

/**
 * A request in the phase that a hook is called for. Fields have the names of httpd's request_rec in camel case; what the host does not know (yet) is
 * undefined. What a hook sets reaches the host when the hook has returned, with its result.
 */
export class HookRequest {
  readonly #head: RequestHead;
  readonly #host: RequestHost;
  readonly #changes: Entry[] = [];
  readonly #tables: (PairTable | undefined)[] = [];
  /** Fields of the record that the hook has set; undefined: unset, and a fact of the same meaning counts no more. */
  #fresh: Map<string, string | undefined> | undefined;
  #arguments: readonly string[] | undefined;
  #over: string | undefined;
  /** Whether what the host evaluated before is still what it would find. */
  #unchanged = true;
  #hadState: boolean | undefined;
  #lacksUser = false;

  constructor(head: RequestHead, host: RequestHost) {
    this.#head = head;
    this.#host = host;
  }

  /** Id of the request, the same in all phases and all logs (UNIQUE_ID where mod_unique_id is loaded). */
  get id(): string {
    return this.#fact(Fact.REQUEST_ID) ?? "";
  }

  /** Id of the client's connection, the same for all its requests. */
  get connectionId(): string | undefined {
    return this.#fact(Fact.CONNECTION_ID);
  }

  /** The phase that the hook is asked in, by httpd's name: `check_user_id`. */
  get phase(): PhaseName {
    return phaseRows[this.#head.phase]?.directive ?? "handler";
  }

  /** As the client sent it (`method`). */
  get method(): string {
    return this.#fact(Fact.METHOD) ?? "GET";
  }

  /** The request line (`the_request`). */
  get theRequest(): string | undefined {
    return this.#value("the_request");
  }

  /** The URI as the client sent it (`unparsed_uri`). */
  get unparsedUri(): string {
    return this.#value("unparsed_uri") ?? this.#fact(Fact.TARGET) ?? "/";
  }

  /** The path, unescaped (`uri`). */
  get uri(): string {
    return this.#value("uri") ?? "/";
  }

  set uri(uri: string) {
    this.#set("uri", uri);
  }

  /** What stands behind the question mark, not unescaped (`args`). */
  get args(): string | undefined {
    return this.#value("args");
  }

  set args(args: string | undefined) {
    this.#set("args", args);
  }

  /** HTTP/1.0, HTTP/1.1 or HTTP/2.0 (`protocol`). */
  get protocol(): string | undefined {
    return this.#fact(Fact.PROTOCOL);
  }

  /** http or https. */
  get scheme(): string {
    return this.#fact(Fact.SCHEME) ?? "http";
  }

  /** Name that the client asked for: the Host header or the URI (`hostname`). */
  get hostname(): string | undefined {
    return this.#value("hostname");
  }

  /** Headers of the request (`headers_in`). A change is seen by all that comes later, CGI programs and backends too. */
  get headersIn(): Table {
    return this.#table(EntryTable.HEADERS_IN, headerRules);
  }

  /** Headers of the response; not sent with an error (`headers_out`). */
  get headersOut(): Table {
    return this.#table(EntryTable.HEADERS_OUT, headerRules);
  }

  /** Headers of the response that are sent with an error too (`err_headers_out`). */
  get errHeadersOut(): Table {
    return this.#table(EntryTable.ERR_HEADERS_OUT, headerRules);
  }

  /** Notes between modules (`notes`); `%{name}n` in logs. */
  get notes(): Table {
    return this.#table(EntryTable.NOTES, textRules);
  }

  /** Environment for CGI, SSI and logs (`subprocess_env`); `%{name}e` in logs. */
  get env(): Table {
    return this.#table(EntryTable.ENV, textRules);
  }

  /** Options of the configuration that holds for the request (TenonOption). */
  get options(): ReadonlyTable {
    return this.#table(EntryTable.OPTIONS, textRules);
  }

  /** What stands behind `Require tenon pool#export`. */
  get arguments(): readonly string[] {
    this.#arguments ??= this.#pairs(EntryTable.ARGUMENTS, textOf).filter((_, at) => at % 2 === 1);
    return this.#arguments;
  }

  /** Authenticated user (`user`; REMOTE_USER). */
  get user(): string | undefined {
    const user = this.#value("user");
    if (user !== undefined || this.#fresh?.has("user")) return user;
    const fact = this.#fact(Fact.USER);
    this.#lacksUser ||= fact === undefined;
    return fact === undefined ? undefined : textOf(fact);
  }

  set user(user: string | undefined) {
    this.#set("user", user);
  }

  /** Scheme that authenticated the user, such as Basic (`ap_auth_type`; AUTH_TYPE). */
  get authType(): string | undefined {
    const type = this.#value("ap_auth_type");
    if (type !== undefined || this.#fresh?.has("ap_auth_type")) return type;
    return this.#fact(Fact.AUTH_TYPE);
  }

  set authType(type: string | undefined) {
    this.#set("ap_auth_type", type);
  }

  /** Realm (AuthName). */
  get authName(): string | undefined {
    return this.#value("ap_auth_name");
  }

  /** User and password that the client sent by the scheme Basic (RFC 7617, UTF-8); undefined for another scheme or none. Nobody has checked them. */
  get basic(): Credentials | undefined {
    return readBasic(this.headersIn.get("Authorization"));
  }

  /** File that the URI stands for (`filename`). */
  get filename(): string | undefined {
    return this.#value("filename");
  }

  set filename(filename: string | undefined) {
    this.#set("filename", filename);
  }

  /** What of the URI is behind the file (`path_info`). */
  get pathInfo(): string | undefined {
    return this.#value("path_info");
  }

  set pathInfo(pathInfo: string | undefined) {
    this.#set("path_info", pathInfo);
  }

  /** What is known of the file (`finfo`). */
  get finfo(): FileInfo | undefined {
    return fileInfoOf((name) => this.#value(name));
  }

  /** Who produces the response (`handler`). */
  get handler(): string | undefined {
    return this.#value("handler");
  }

  set handler(handler: string | undefined) {
    this.#set("handler", handler);
  }

  /** Type of the response (`content_type`). */
  get contentType(): string | undefined {
    return this.#value("content_type");
  }

  set contentType(type: string | undefined) {
    this.#set("content_type", type);
  }

  /** Status of the response (`status`): known to filters and to the log; set together with DONE. */
  get status(): number | undefined {
    return numberOf(this.#value("status"));
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 100 || status > 599) {
      throw new TypeError(`a status is a whole number from 100 to 599, not ${status}`);
    }
    this.#set("status", String(status));
  }

  /** Bytes of the response's body that were sent; to the log. */
  get bytesSent(): number | undefined {
    return numberOf(this.#value("bytes_sent"));
  }

  /** When the request began. */
  get requestTime(): Date | undefined {
    const micros = numberOf(this.#value("request_time"));
    return micros === undefined ? undefined : new Date(micros / 1000);
  }

  /** How long the request took, milliseconds with fractions; to the log. */
  get duration(): number | undefined {
    const micros = numberOf(this.#value("duration"));
    return micros === undefined ? undefined : micros / 1000;
  }

  /** The client's address; the one that mod_remoteip found, where it is in use (`useragent_ip`). */
  get clientAddress(): string | undefined {
    return this.#fact(Fact.CLIENT_ADDRESS);
  }

  get clientPort(): number | undefined {
    return numberOf(this.#fact(Fact.CLIENT_PORT));
  }

  /** Address that the client connected to. */
  get localAddress(): string | undefined {
    return this.#fact(Fact.LOCAL_ADDRESS);
  }

  get localPort(): number | undefined {
    return numberOf(this.#fact(Fact.LOCAL_PORT));
  }

  /** Name of the virtual host that serves (ServerName, or the client's: UseCanonicalName). */
  get serverName(): string | undefined {
    return this.#fact(Fact.SERVER_NAME);
  }

  get serverPort(): number | undefined {
    return numberOf(this.#value("server_port"));
  }

  /** ServerAdmin. */
  get serverAdmin(): string | undefined {
    return this.#value("server_admin");
  }

  /** DocumentRoot. */
  get documentRoot(): string | undefined {
    return this.#value("document_root");
  }

  /** What mod_ssl knows of the connection; undefined without TLS. */
  get tls(): TlsInfo | undefined {
    const protocol = this.#fact(Fact.TLS_PROTOCOL);
    if (protocol === undefined) return undefined;
    return {
      protocol,
      cipher: this.#fact(Fact.TLS_CIPHER),
      serverName: this.#fact(Fact.TLS_SERVER_NAME),
      clientVerify: this.#fact(Fact.TLS_CLIENT_VERIFY),
      clientCertificate: this.#fact(Fact.TLS_CLIENT_CERTIFICATE),
    };
  }

  /** The request that the client sent, neither a subrequest nor redirected internally (`ap_is_initial_req`). */
  get isInitial(): boolean {
    return this.#value("initial") === "1";
  }

  /** A subrequest: of mod_dir, SSI, a hook's `subrequest` (`main`). */
  get isSubrequest(): boolean {
    return this.#value("main") === "1";
  }

  /** What an internal redirect has made of another request: ErrorDocument, `internalRedirect` (`prev`). */
  get isRedirect(): boolean {
    return this.#value("prev") === "1";
  }

  /**
   * What hooks keep of this request over its phases, in this worker's memory: an object of the hooks' own. The host sends the later phases of a request
   * to the worker that holds its state, where it can; see `stateLost`.
   */
  get state(): RequestState {
    this.#hadState ??= this.#host.stated;
    return this.#host.state();
  }

  /** An earlier phase of this request kept state, and its worker has gone or had no room: `state` is empty. */
  get stateLost(): boolean {
    this.#hadState ??= this.#host.stated;
    return !this.#hadState && this.#value("state") === "1";
  }

  /** Aborted when the client has gone, or the host's patience has ended. */
  get signal(): AbortSignal {
    return this.#host.signal;
  }

  /** The request's body, in a hook for the phase handler; null in all others, and when there is none. */
  get body(): ReadableStream<Uint8Array> | null {
    return this.#host.body;
  }

  /** The error log. */
  get log(): HookLog {
    return this.#host.log;
  }

  /**
   * The value of an expression of httpd (`ap_expr` in its string form), such as `%{HTTP_HOST}` or `%{SSL:SSL_CIPHER}`. One that a hook asks for again and again
   * travels with the request from then on; others cost a round trip to httpd.
   * @throws {Error} with httpd's words when the expression cannot be parsed
   */
  async variable(expression: string): Promise<string> {
    const known = this.#unchanged ? this.#known(expression) : undefined;
    if (known !== undefined) return known;
    const { reply } = await this.#ask(AskKind.VARIABLE, bytesOf(expression), []);
    if (reply.status === 0) throw new Error(`variable ${expression}: ${textOf(reply.text)}`);
    return textOf(reply.text);
  }

  /**
   * Makes a subrequest: httpd runs its phases for the URI, the response comes here instead of going to the client.
   * @param uri path with a query, beginning with a slash
   * @returns a web Response: status, headers, body as a stream
   * @throws {TypeError} for what is no path @throws {Error} with httpd's words when it cannot be made
   */
  async subrequest(uri: string, options: SubrequestOptions = {}): Promise<Response> {
    checkPath(uri);
    const method = options.method ?? "GET";
    if (!headerRules.name.test(method)) throw new TypeError(`${method} is no method`);
    const rawHeaders = [...new Headers(options.headers)].flat();
    const { reply, body } = await this.#ask(
      AskKind.SUBREQUEST,
      `${method} ${bytesOf(uri)}`,
      rawHeaders,
    );
    if (reply.status === 0) throw new Error(`subrequest ${uri}: ${textOf(reply.text)}`);
    const headers = new Headers();
    for (let at = 0; at < reply.rawHeaders.length; at += 2) {
      headers.append(reply.rawHeaders[at] as string, reply.rawHeaders[at + 1] as string);
    }
    return new Response(body, { status: reply.status, headers });
  }

  /**
   * Has httpd go on with another URI instead of the handler; the client sees nothing of it (`ap_internal_redirect`).
   * @param uri path with a query, beginning with a slash @throws {TypeError} {TENON_ERR_HOOK_OVER}
   */
  internalRedirect(uri: string): void {
    checkPath(uri);
    this.#set("redirect", uri);
  }

  /** Notes something for the logs: `%{name}n` in a LogFormat. @throws {TypeError} {TENON_ERR_HOOK_OVER} */
  annotate(name: string, value: string | number | boolean): void {
    this.notes.set(name, String(value));
  }

  /** Internal: the value of a field that only one phase has. */
  static read(request: HookRequest, name: string): string | undefined {
    return request.#value(name);
  }

  /** Internal: whether the hook has asked for the user when there was none. */
  static lacksUser(request: HookRequest): boolean {
    return request.#lacksUser;
  }

  /** Internal: hands out the changes so far. @param over why nothing may be changed any more; undefined: more may come */
  static take(request: HookRequest, over: string | undefined): Entry[] {
    request.#over ??= over;
    return request.#changes.splice(0);
  }

  #ask(kind: AskKind, text: string, rawHeaders: readonly string[]): Promise<Answered> {
    if (this.#over !== undefined) throw fail("TENON_ERR_HOOK_OVER", { reason: this.#over });
    return this.#host.ask(kind, text, rawHeaders);
  }

  #fact(fact: Fact): string | undefined {
    return this.#head.facts[fact];
  }

  #value(name: string): string | undefined {
    const value = this.#fresh?.has(name) ? this.#fresh.get(name) : this.#given(name);
    return value === undefined ? undefined : textOf(value);
  }

  #set(name: Settable, value: string | undefined): void {
    if (value !== undefined && (typeof value !== "string" || value.includes("\0"))) {
      throw new TypeError(`${name} must be a text without NUL, not ${JSON.stringify(value)}`);
    }
    const bytes = value === undefined ? undefined : bytesOf(value);
    const operation = bytes === undefined ? EntryOperation.UNSET : EntryOperation.SET;
    this.#change(EntryTable.RECORD, operation, name, bytes);
    this.#fresh ??= new Map();
    this.#fresh.set(name, bytes);
  }

  #change(
    table: EntryTable,
    operation: EntryOperation,
    name: string,
    value: string | undefined,
  ): void {
    if (this.#over !== undefined) throw fail("TENON_ERR_HOOK_OVER", { reason: this.#over });
    this.#unchanged = false;
    this.#changes.push({ table, operation, name, value });
  }

  /** A field of the record as it came. Most hooks read few: a table of all would cost more than to look for each. */
  #given(name: string): string | undefined {
    return this.#head.entries.findLast((entry) => {
      return entry.name === name && entry.table === EntryTable.RECORD && entry.value !== undefined;
    })?.value;
  }

  #known(expression: string): string | undefined {
    const name = bytesOf(expression);
    const entry = this.#head.entries.find((candidate) => {
      return candidate.table === EntryTable.VARIABLES && candidate.name === name;
    });
    return entry?.value === undefined ? undefined : textOf(entry.value);
  }

  #table(table: EntryTable, rules: TableRules): PairTable {
    const made = this.#tables[table];
    if (made !== undefined) return made;
    const pairs =
      table === EntryTable.HEADERS_IN
        ? [...this.#head.rawHeaders, ...this.#pairs(table, String)]
        : this.#pairs(table, rules === textRules ? textOf : String);
    const fresh = new PairTable(pairs, rules, (operation, name, value) => {
      this.#change(table, operation, name, value);
    });
    this.#tables[table] = fresh;
    return fresh;
  }

  #pairs(wanted: EntryTable, decode: (bytes: string) => string): string[] {
    const pairs: string[] = [];
    for (const { table, name, value } of this.#head.entries) {
      if (table === wanted) pairs.push(decode(name), decode(value ?? ""));
    }
    return pairs;
  }
}

function checkPath(uri: string): void {
  if (typeof uri !== "string" || !/^\/[^\0\r\n]*$/.test(uri)) {
    throw new TypeError(
      `a URI here is a path that begins with a slash, not ${JSON.stringify(uri)}`,
    );
  }
}
