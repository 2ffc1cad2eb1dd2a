// SPDX-License-Identifier: Apache-2.0
// Writes the configuration of a private httpd: everything it needs and nothing of the system's. Called by private-httpd.ts.
import { join } from "node:path";

/** httpd's multi-processing modules. */
export type Mpm = "event" | "worker" | "prefork";

/** What a private httpd's configuration is made of. */
export interface HttpdConfig {
  /** Folder of this httpd alone; run/, logs/ and htdocs/ are below. */
  readonly directory: string;
  /** Folder of httpd's shared modules. */
  readonly modules: string;
  readonly mpm: Mpm;
  /** Loopback port for plain HTTP. */
  readonly port: number;
  /** Loopback port for HTTP/2 and HTTP/1.1 over TLS; unset: none. */
  readonly tlsPort?: number;
  /** User and group of httpd's children; unset: those of the process that starts it. */
  readonly user?: string;
  readonly group?: string;
  /** Names of further modules of httpd, without `mod_`. */
  readonly load: readonly string[];
  /** Where mod_tenon.so is and what it runs; unset: not loaded. */
  readonly tenon?: TenonPlaces;
  /** Directives that replace the size of the MPM. */
  readonly size?: string;
  /** Directives after all of these. */
  readonly text: string;
}

export interface TenonPlaces {
  /** Path of mod_tenon.so. */
  readonly module: string;
  /** Path of the node binary of supervisor and workers. */
  readonly node: string;
  /** Root of the npm package. */
  readonly package: string;
}

const THREADED_SIZE = `StartServers 2
ServerLimit 4
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers 256
MinSpareThreads 32
MaxSpareThreads 256`;

const PREFORK_SIZE = `StartServers 8
ServerLimit 256
MaxRequestWorkers 256
MinSpareServers 8
MaxSpareServers 64`;

/** Gives the text of httpd.conf. */
export function formatHttpdConfig(config: HttpdConfig): string {
  const { directory, tlsPort } = config;
  const names = [`mpm_${config.mpm}`, "authz_core", "unique_id", ...config.load];
  if (tlsPort !== undefined) names.push("socache_shmcb", "ssl", "http2");
  const lines = [
    `ServerRoot "${directory}"`,
    `DefaultRuntimeDir "${join(directory, "run")}"`,
    `PidFile "${join(directory, "run", "httpd.pid")}"`,
    "ServerName 127.0.0.1",
    ...names.map((name) => `LoadModule ${name}_module "${config.modules}/mod_${name}.so"`),
    `Listen 127.0.0.1:${config.port}`,
    `ErrorLog "${join(directory, "logs", "error.log")}"`,
    "LogLevel info",
    `DocumentRoot "${join(directory, "htdocs")}"`,
    "Timeout 60",
    "KeepAliveTimeout 15",
    "MaxKeepAliveRequests 0",
    config.size ?? (config.mpm === "prefork" ? PREFORK_SIZE : THREADED_SIZE),
  ];
  if (config.user !== undefined) lines.push(`User ${config.user}`);
  if (config.group !== undefined) lines.push(`Group ${config.group}`);
  if (config.tenon !== undefined) lines.push(formatTenon(directory, config.tenon));
  if (tlsPort !== undefined) lines.push(formatTls(directory, tlsPort));
  lines.push(config.text, "");
  return lines.join("\n");
}

function formatTenon(directory: string, tenon: TenonPlaces): string {
  return `LoadModule tenon_module "${tenon.module}"
TenonNode "${tenon.node}"
TenonPackage "${tenon.package}"
TenonRuntimeDir "${join(directory, "run", "tenon")}"`;
}

function formatTls(directory: string, port: number): string {
  return `Listen 127.0.0.1:${port}
SSLSessionCache "shmcb:${join(directory, "run", "tls-sessions")}(65536)"
<VirtualHost 127.0.0.1:${port}>
  ServerName localhost
  Protocols h2 http/1.1
  SSLEngine on
  SSLCertificateFile "${join(directory, "tls.crt")}"
  SSLCertificateKeyFile "${join(directory, "tls.key")}"
</VirtualHost>`;
}
