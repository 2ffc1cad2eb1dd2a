// SPDX-License-Identifier: Apache-2.0
// Parts of a hook's request that are made of several fields.

/** User and password as the client sent them. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What httpd knows of the file that a request stands for. */
export interface FileInfo {
  readonly type: "file" | "directory" | "other" | "missing";
  /** Bytes. */
  readonly size: number | undefined;
  readonly mtime: Date | undefined;
}

/** What mod_ssl knows of a connection. */
export interface TlsInfo {
  /** Such as TLSv1.3 (SSL_PROTOCOL). */
  readonly protocol: string;
  /** Cipher suite (SSL_CIPHER). */
  readonly cipher: string | undefined;
  /** Name that the client asked for in SNI (SSL_TLS_SNI). */
  readonly serverName: string | undefined;
  /** SUCCESS, GENEROUS or FAILED:why (SSL_CLIENT_VERIFY). */
  readonly clientVerify: string | undefined;
  /** PEM (SSL_CLIENT_CERT). */
  readonly clientCertificate: string | undefined;
}

const basicScheme = /^ *basic +([A-Za-z0-9+/]+={0,2}) *$/i;

/** Reads Authorization of the scheme Basic (RFC 7617). */
export function readBasic(authorization: string | undefined): Credentials | undefined {
  const encoded = basicScheme.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Puts the fields of `finfo` together. @param value gives a field of the record */
export function fileInfoOf(value: (name: string) => string | undefined): FileInfo | undefined {
  const type = value("finfo.type");
  if (type === undefined) return undefined;
  const size = value("finfo.size");
  const mtime = value("finfo.mtime");
  return {
    type: type as FileInfo["type"],
    size: size === undefined ? undefined : Number(size),
    mtime: mtime === undefined ? undefined : new Date(Number(mtime) / 1000),
  };
}
