// SPDX-License-Identifier: Apache-2.0
// Uploads by multer and by busboy. The cases are in ../uploads.test.ts.
import { createHash } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import busboy from "busboy";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import multer, { type UploadedFile } from "multer";

const app: Express = express();
export default app;

interface Uploads {
  readonly file?: UploadedFile;
  readonly files?: UploadedFile[] | Record<string, UploadedFile[]>;
}

function describe(file: UploadedFile): object {
  const { fieldname, originalname, mimetype, size, buffer } = file;
  return {
    fieldname,
    originalname,
    mimetype,
    size,
    text: buffer !== undefined && size < 100 ? buffer.toString() : null,
  };
}

const show: RequestHandler = (req, res) => {
  const { file, files } = req as unknown as Uploads;
  const listed = Array.isArray(files) ? files : Object.values(files ?? {}).flat();
  res.json({
    body: { ...(req.body as object) },
    files: (file === undefined ? listed : [file]).map(describe),
  });
};

const memory = multer({ storage: multer.memoryStorage() });
const limited = multer({
  storage: multer.memoryStorage(),
  limits: { fileSize: 100, files: 2, fields: 2, fieldSize: 20, fieldNameSize: 10, parts: 4 },
});
const filtered = multer({
  storage: multer.memoryStorage(),
  fileFilter: (_request, file, done) => done(null, file.mimetype === "image/png"),
});
app.post("/single", memory.single("file"), show);
app.post("/array", memory.array("file", 2), show);
app.post(
  "/fields",
  memory.fields([
    { name: "avatar", maxCount: 1 },
    { name: "gallery", maxCount: 3 },
  ]),
  show,
);
app.post("/none", memory.none(), show);
app.post("/any", memory.any(), show);
app.post("/limited", limited.any(), show);
app.post("/filtered", filtered.any(), show);
app.post("/disk", multer({ dest: tmpdir() }).single("file"), async (req, res) => {
  const { path = "" } = (req as unknown as Uploads).file ?? {};
  const { size } = await stat(path);
  await rm(path);
  res.json({ size });
});

/** Reads parts as they come; nothing is kept. */
app.post("/busboy", (req, res) => {
  const parts: unknown[] = [];
  const limits = { fileSize: 200_000_000, files: 3, fields: 3 };
  const parser = busboy({ headers: req.headers, limits });
  parser.on("field", (name, value) => parts.push([name, value]));
  parser.on("file", (name, file, info) => {
    const hash = createHash("sha256");
    let size = 0;
    file.on("data", (chunk: Buffer) => {
      size += chunk.length;
      hash.update(chunk);
    });
    file.on("close", () =>
      parts.push([
        name,
        info.filename ?? null,
        info.mimeType,
        size,
        hash.digest("hex").slice(0, 8),
      ]),
    );
  });
  for (const limit of ["filesLimit", "fieldsLimit"] as const)
    parser.on(limit, () => parts.push(limit));
  parser.on("error", (error) => {
    req.unpipe(parser);
    res.status(400).json({ error: error.message });
  });
  parser.on("close", () => {
    if (!res.headersSent) res.json(parts);
  });
  req.pipe(parser);
});

const onError: ErrorRequestHandler = (
  error: Error & { code?: string; field?: string },
  _req,
  res,
  _next,
) => {
  res
    .status(400)
    .json({ message: error.message, code: error.code ?? null, field: error.field ?? null });
};
app.use(onError);
