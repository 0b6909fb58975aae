/**
 * A hub on 127.0.0.1 that takes uploads to one model's repository, by the APIs of Hugging Face and
 * of ModelScope. It checks what it gets as the hubs do; a second server plays the storage host.
 */
import { createHash } from "node:crypto";
import { COMMIT, sha256 } from "./fake_hub.ts";

/** What the hub does. */
export interface FakeUploadOptions {
  /** Whether the repository is there; false by default. */
  readonly exists?: boolean;
  /** Whether the token may write to this repository only, and make none. */
  readonly onlyThis?: boolean;
  /** Bytes of a part; large files come in parts if it is set. */
  readonly partSize?: number;
  /** Statuses that the storage answers first. */
  readonly putStatuses?: readonly number[];
  /** Puts that are lost, from the first: their answer is cut. */
  readonly cutPuts?: number;
  /** Whether the storage answers nothing before this ends. */
  readonly stall?: Promise<void>;
  /** Statuses that commits answer first. */
  readonly commitStatuses?: readonly number[];
}

/** The token that the hub wants. */
export const TOKEN = "hf_secret";

/** A running hub. */
export interface FakeUploadHub extends AsyncDisposable {
  readonly endpoint: string;
  /** Files of the repository by their path. */
  readonly files: Map<string, Uint8Array>;
  /** Objects of the store by their sha256. */
  readonly store: Map<string, Uint8Array>;
  /** The body of the request that made the repository. */
  readonly made: Record<string, unknown>[];
  /** Requests, as `METHOD host path`. */
  readonly seen: string[];
  /** Faults of requests, which must be none: a token at the storage, a body without a length. */
  readonly faults: string[];
}

type Body = Record<string, unknown>;

const json = (value: unknown, status = 200) => Response.json(value, { status });
const data = (value: unknown) =>
  json({ Code: 200, Success: true, Data: value });
const isLarge = (path: string) => path.endsWith(".safetensors");
const gitOid = (bytes: Uint8Array) =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest(
    "hex",
  );

/** Starts a hub. */
export function startFakeUploadHub(
  options: FakeUploadOptions = {},
): FakeUploadHub {
  const listen = {
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
    onError: () => new Response("", { status: 500 }), // the client went away
  };
  const state = {
    files: new Map<string, Uint8Array>(),
    store: new Map<string, Uint8Array>(),
    parts: new Map<string, Uint8Array>(),
    made: [] as Body[],
    seen: [] as string[],
    faults: [] as string[],
    exists: options.exists ?? false,
    puts: 0,
    commits: 0,
  };
  const see = (host: string, request: Request) => {
    const { pathname } = new URL(request.url);
    state.seen.push(`${request.method} ${host} ${pathname}`);
  };
  const storage = Deno.serve(listen, async (request) => {
    see("storage", request);
    if (request.headers.has("authorization") || request.headers.has("cookie")) {
      state.faults.push("the token came to the storage host");
    }
    return await store(request, state, options);
  });
  const storageHome = `http://127.0.0.1:${storage.addr.port}`;
  const hub = Deno.serve(listen, async (request) => {
    see("hub", request);
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
      return json({ error: "Invalid username or password." }, 401);
    }
    const url = new URL(request.url);
    if (request.method === "PUT") return await store(request, state, options);
    const text = await request.text();
    return url.pathname.startsWith("/api/v1/")
      ? modelScope(url, text, { state, options })
      : huggingFace(url, text, { state, options, storage: storageHome });
  });
  return {
    endpoint: `http://127.0.0.1:${hub.addr.port}`,
    ...state,
    async [Symbol.asyncDispose]() {
      await Promise.all([hub.shutdown(), storage.shutdown()]);
    },
  };
}

interface State {
  readonly files: Map<string, Uint8Array>;
  readonly store: Map<string, Uint8Array>;
  readonly parts: Map<string, Uint8Array>;
  readonly made: Body[];
  readonly faults: string[];
  exists: boolean;
  puts: number;
  commits: number;
}

/** The storage: `/OID`, `/OID/PART` and `/OID/done`. */
async function store(
  request: Request,
  state: State,
  { putStatuses = [], cutPuts = 0, stall }: FakeUploadOptions,
): Promise<Response> {
  const [, , oid = "", part] = new URL(request.url).pathname.split("/");
  if (request.method === "POST") return await complete(request, state, oid);
  const attempt = state.puts++;
  await stall;
  if (attempt < cutPuts) return await cutAnswer(request);
  const length = request.headers.get("content-length");
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (Number(length ?? -1) !== bytes.length) {
    state.faults.push(`content-length ${length} for ${bytes.length} bytes`);
  }
  const status = putStatuses[attempt];
  if (status !== undefined) return json({ error: "not now" }, status);
  if (part !== undefined) {
    state.parts.set(`${oid}/${part}`, bytes);
    return new Response("", { headers: { etag: `"${sha256(bytes)}"` } });
  }
  if (sha256(bytes) !== oid) return json({ error: "another sha256" }, 400);
  state.store.set(oid, bytes);
  return json({ Code: 200, Success: true, Message: "" });
}

/** Takes all bytes and loses them: the answer is cut before its first byte. */
async function cutAnswer(request: Request): Promise<Response> {
  await request.arrayBuffer();
  const body = new ReadableStream({ start: (stream) => stream.close() });
  return new Response(body, { headers: { "content-length": "100" } });
}

/** Puts the parts of a file together, as their tags name them. */
async function complete(
  request: Request,
  state: State,
  oid: string,
): Promise<Response> {
  const { parts } = await request.json();
  const pieces: Uint8Array[] = parts.map((
    { partNumber, etag }: { partNumber: number; etag: string },
  ) => {
    const bytes = state.parts.get(`${oid}/${partNumber}`)!;
    if (etag !== `"${sha256(bytes)}"`) state.faults.push("a wrong etag");
    return bytes;
  });
  const bytes = new Uint8Array(
    await new Blob(pieces as BlobPart[]).arrayBuffer(),
  );
  if (sha256(bytes) !== oid) return json({ error: "another sha256" }, 400);
  state.store.set(oid, bytes);
  return json({});
}

interface Call {
  readonly state: State;
  readonly options: FakeUploadOptions;
}

function huggingFace(
  { pathname: path }: URL,
  text: string,
  { state, options, storage }: Call & { readonly storage: string },
): Response {
  if (path === "/api/repos/create") {
    if (options.onlyThis) return json({ error: "You may make none" }, 403);
    if (state.exists) return json({ error: "You already created it" }, 409);
    state.exists = true;
    state.made.push(JSON.parse(text));
    return json({ url: "" });
  }
  if (!state.exists) return json({ error: "Repository not found" }, 404);
  if (path === "/api/models/owner/name/revision/main") {
    return json({ sha: COMMIT });
  }
  if (path.startsWith("/api/models/owner/name/tree/")) return json(tree(state));
  if (path === "/api/models/owner/name/preupload/main") {
    const files = JSON.parse(text).files as { path: string; size: number }[];
    return json({
      files: files.map(({ path }) => ({
        path,
        uploadMode: isLarge(path) ? "lfs" : "regular",
        shouldIgnore: false,
      })),
    });
  }
  if (path === "/owner/name.git/info/lfs/objects/batch") {
    return json(batch(JSON.parse(text), { state, options, storage }));
  }
  if (path !== "/api/models/owner/name/commit/main") return json({}, 404);
  const status = options.commitStatuses?.[state.commits++];
  if (status !== undefined) return json({ error: "no commit now" }, status);
  return commitLines(text, state);
}

function tree({ files }: State) {
  return [...files].map(([path, bytes]) => ({
    type: "file",
    path,
    size: bytes.length,
    oid: gitOid(bytes),
    ...(isLarge(path) && {
      lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 },
    }),
  }));
}

function batch(
  body: Body,
  { state, options, storage }: Call & { readonly storage: string },
) {
  const objects = body["objects"] as { oid: string; size: number }[];
  const { partSize } = options;
  return {
    transfer: partSize === undefined ? "basic" : "multipart",
    objects: objects.map(({ oid, size }) => {
      if (state.store.has(oid)) return { oid, size };
      const href = `${storage}/put/${oid}`;
      if (partSize === undefined) {
        return { oid, size, actions: { upload: { href } } };
      }
      const count = Math.ceil(size / partSize);
      const parts = Array.from({ length: count }, (_, i) => [
        String(i + 1).padStart(5, "0"),
        `${href}/${i + 1}`,
      ]);
      const header = {
        chunk_size: String(partSize),
        ...Object.fromEntries(parts),
      };
      return {
        oid,
        size,
        actions: { upload: { href: `${href}/done`, header } },
      };
    }),
  };
}

function commitLines(text: string, state: State): Response {
  for (const line of text.split("\n")) {
    const { key, value } = JSON.parse(line);
    if (key === "file") {
      state.files.set(value.path, Uint8Array.fromBase64(value.content));
    } else if (key === "lfsFile") {
      const bytes = state.store.get(value.oid);
      if (bytes?.length !== value.size) {
        return json({ error: "no such object" }, 400);
      }
      state.files.set(value.path, bytes!);
    } else if (key !== "header" || typeof value.summary !== "string") {
      return json({ error: `unknown line ${key}` }, 400);
    }
  }
  return json({ commitOid: COMMIT, commitUrl: "", success: true });
}

function modelScope(
  { origin, pathname: path }: URL,
  text: string,
  { state, options }: Call,
): Response {
  const repo = "/api/v1/repos/models/owner/name";
  if (path === "/api/v1/models") {
    state.exists = true;
    state.made.push(JSON.parse(text));
    return data({});
  }
  if (!state.exists) {
    return json(
      { Code: 10010205001, Success: false, Message: "no model" },
      404,
    );
  }
  if (path === "/api/v1/models/owner/name") return data({ Name: "name" });
  if (path === "/api/v1/models/owner/name/repo/files") {
    const files = [...state.files].map(([path, bytes]) => ({
      Path: path,
      Type: "blob",
      Size: bytes.length,
      Sha256: sha256(bytes),
    }));
    return data({ Files: files.length > 0 ? files : null });
  }
  if (path === `${repo}/info/lfs/objects/batch`) {
    const { objects } = JSON.parse(text) as { objects: { oid: string }[] };
    return data({
      objects: objects.filter(({ oid }) => !state.store.has(oid)).map((
        { oid },
      ) => ({
        oid,
        actions: { upload: { href: `${origin}/put/${oid}` } },
      })),
    });
  }
  if (path !== `${repo}/commit/master`) return json({}, 404);
  const status = options.commitStatuses?.[state.commits++];
  if (status !== undefined) return json({ Message: "no commit now" }, status);
  return commitActions(JSON.parse(text), state);
}

function commitActions({ actions }: Body, state: State): Response {
  for (
    const { action, path, type, content, sha256: oid } of actions as Record<
      string,
      string
    >[]
  ) {
    const bytes = type === "lfs"
      ? state.store.get(oid!)
      : Uint8Array.fromBase64(content!);
    const isThere = state.files.has(path!);
    if (bytes === undefined || isThere !== (action === "update")) {
      return json({
        Code: 400,
        Success: false,
        Message: `cannot ${action} ${path}`,
      });
    }
    state.files.set(path!, bytes);
  }
  return data({});
}
