/**
 * A hub on 127.0.0.1 that speaks the APIs of Hugging Face and of ModelScope for one repository, and
 * that can be told to cut, lie, stall and refuse. A second server on another port plays the storage
 * host.
 */
import { createHash } from "node:crypto";

/** How a file is served, fault by fault. */
export interface FakeFile {
  readonly data: Uint8Array;
  /** Listed with its sha256 (as large files are), not with its git object id. */
  readonly lfs?: boolean;
  /** Size that the listing gives, if it lies. */
  readonly listedSize?: number;
  /** What is sent instead of `data`, try by try; the last one stays. */
  readonly served?: readonly Uint8Array[];
  /** Bytes after which the connection is cut, try by try; afterwards it is not cut. */
  readonly cuts?: readonly number[];
  /** Statuses that are answered first. */
  readonly statuses?: readonly number[];
  readonly ignoresRange?: boolean;
  /** Honours Range whatever If-Range says. */
  readonly ignoresIfRange?: boolean;
  /** Sends no content-length. */
  readonly chunked?: boolean;
  /** Sends a few bytes of the first answer and then nothing. */
  readonly stalls?: boolean;
  /** Is served by the storage host, to which the hub redirects. */
  readonly redirected?: boolean;
}

/** A request that a fake hub saw. */
export interface SeenRequest {
  readonly host: "hub" | "storage";
  readonly path: string;
  readonly headers: Headers;
}

/** A running fake hub. */
export interface FakeHub extends AsyncDisposable {
  readonly endpoint: string;
  readonly requests: SeenRequest[];
  /** Requests of files, not of listings. */
  fileRequests(): SeenRequest[];
}

/** What the hub holds. */
export interface FakeHubOptions {
  readonly files: Readonly<Record<string, FakeFile>>;
  /** `owner/name` */
  readonly repo?: string;
  readonly kind?: "model" | "dataset";
  /** Needed for everything, if set. */
  readonly token?: string;
  /** Statuses that listings answer first. */
  readonly listStatuses?: readonly number[];
  /** Files a page of Hugging Face's listing. */
  readonly pageSize?: number;
}

/** The commit that every revision stands for. */
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

const hash = (name: string, ...parts: (string | Uint8Array)[]) => {
  const digest = createHash(name);
  for (const part of parts) digest.update(part);
  return digest.digest("hex");
};

/** sha256 in hexadecimal. */
export const sha256 = (data: Uint8Array): string => hash("sha256", data);

/** Starts a fake hub. */
export function startFakeHub(options: FakeHubOptions): FakeHub {
  const { repo = "owner/name", kind = "model", token } = options;
  const requests: SeenRequest[] = [];
  const tries = new Map<string, number>();
  const take = (key: string) => {
    const count = tries.get(key) ?? 0;
    tries.set(key, count + 1);
    return count;
  };
  const see = (host: SeenRequest["host"], request: Request) => {
    const { pathname, search } = new URL(request.url);
    requests.push({ host, path: pathname + search, headers: request.headers });
  };
  const listen = { port: 0, hostname: "127.0.0.1", onListen() {} };
  const storage = Deno.serve(listen, (request) => {
    see("storage", request);
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
    return serveFile(options.files[name]!, request, take(name));
  });
  const hub = Deno.serve(listen, (request) => {
    see("hub", request);
    const bearer = request.headers.get("authorization");
    if (token !== undefined && bearer !== `Bearer ${token}`) {
      return new Response("gated", { status: 401 });
    }
    const route = findRoute(new URL(request.url), repo, kind);
    if (route === undefined) return new Response("", { status: 404 });
    if (typeof route === "string") {
      const status = options.listStatuses?.[take("list")];
      if (status !== undefined) return new Response("", { status });
      return list(route, new URL(request.url), options);
    }
    const file = options.files[route.file];
    if (file === undefined) return new Response("", { status: 404 });
    if (!file.redirected) return serveFile(file, request, take(route.file));
    const home = `http://127.0.0.1:${storage.addr.port}/`;
    return Response.redirect(home + encodeURIComponent(route.file), 302);
  });
  return {
    endpoint: `http://127.0.0.1:${hub.addr.port}`,
    requests,
    fileRequests: () =>
      requests.filter(({ path }) => /\/resolve\/|\/repo\?/.test(path)),
    async [Symbol.asyncDispose]() {
      await Promise.all([hub.shutdown(), storage.shutdown()]);
    },
  };
}

type Route = "commit" | "tree" | "modelscope" | { file: string };

/** What an address asks for, by either hub's layout. */
function findRoute(
  url: URL,
  repo: string,
  kind: "model" | "dataset",
): Route | undefined {
  const { pathname: path, searchParams } = url;
  const scope = `/api/v1/${kind}s/${repo}/repo`;
  if (path === `/api/${kind}s/${repo}/revision/main`) return "commit";
  if (path.startsWith(`/api/${kind}s/${repo}/tree/${COMMIT}`)) return "tree";
  if (path === scope + (kind === "model" ? "/files" : "/tree")) {
    return searchParams.get("Revision") === "master" ? "modelscope" : undefined;
  }
  if (path === scope) return { file: searchParams.get("FilePath") ?? "" };
  const prefix = kind === "dataset" ? "/datasets" : "";
  const root = `${prefix}/${repo}/resolve/${COMMIT}/`;
  if (!path.startsWith(root)) return undefined;
  return { file: decodeURIComponent(path.slice(root.length)) };
}

function list(
  route: "commit" | "tree" | "modelscope",
  url: URL,
  options: FakeHubOptions,
): Response {
  if (route === "commit") return Response.json({ sha: COMMIT });
  const files = Object.entries(options.files);
  if (route === "tree") return listTree(files, url, options.pageSize ?? 1000);
  const size = Number(url.searchParams.get("PageSize") ?? files.length);
  const begin = (Number(url.searchParams.get("PageNumber") ?? 1) - 1) * size;
  const entries = files.slice(begin, begin + size).map(([path, file]) => ({
    Path: path,
    Name: path.split("/").at(-1),
    Type: "blob",
    Size: file.listedSize ?? file.data.length,
    Sha256: sha256(file.data),
    IsLFS: file.lfs ?? false,
  }));
  const folder = { Path: "folder", Name: "folder", Type: "tree", Size: 0 };
  const Files = begin === 0 && options.kind !== "dataset"
    ? [folder, ...entries]
    : entries;
  return Response.json({ Code: 200, Success: true, Data: { Files } });
}

function listTree(
  files: [string, FakeFile][],
  url: URL,
  pageSize: number,
): Response {
  const begin = Number(url.searchParams.get("cursor") ?? 0);
  const entries = files.slice(begin, begin + pageSize).map(([path, file]) => {
    const size = file.listedSize ?? file.data.length;
    const oid = hash("sha1", `blob ${file.data.length}\0`, file.data);
    const lfs = { oid: sha256(file.data), size, pointerSize: 134 };
    return { type: "file", path, size, oid, ...(file.lfs && { lfs }) };
  });
  const next = new URL(url);
  next.searchParams.set("cursor", String(begin + pageSize));
  const more = begin + pageSize < files.length;
  return Response.json(entries, {
    headers: more ? { link: `<${next}>; rel="next"` } : {},
  });
}

function serveFile(
  file: FakeFile,
  request: Request,
  attempt: number,
): Response {
  const status = file.statuses?.[attempt];
  if (status !== undefined) return new Response("", { status });
  const data = file.served?.[Math.min(attempt, file.served.length - 1)] ??
    file.data;
  const etag = `"${sha256(data).slice(0, 16)}"`;
  const asked = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1];
  const current = file.ignoresIfRange ||
    (request.headers.get("if-range") ?? etag) === etag;
  const begin = asked && current && !file.ignoresRange ? Number(asked) : 0;
  const total = data.length;
  if (begin >= total && begin > 0) {
    const headers = { "content-range": `bytes */${total}` };
    return new Response("", { status: 416, headers });
  }
  const part = data.slice(begin);
  const headers: Record<string, string> = { etag };
  if (!file.chunked) headers["content-length"] = String(part.length);
  if (begin > 0) {
    headers["content-range"] = `bytes ${begin}-${total - 1}/${total}`;
  }
  const cut = file.cuts?.[attempt];
  const stalls = file.stalls && attempt === 0;
  const body = cut === undefined && !stalls
    ? file.chunked ? streamOf(part) : part
    : streamOf(part.slice(0, cut ?? 3), stalls ? "stall" : undefined);
  return new Response(body, { status: begin > 0 ? 206 : 200, headers });
}

/** A body that ends, or that never does. */
function streamOf(
  data: Uint8Array<ArrayBuffer>,
  end?: "stall",
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let sent = false;
  return new ReadableStream({
    async pull(controller) {
      if (!sent && data.length > 0) {
        sent = true;
        return controller.enqueue(data);
      }
      if (end === "stall") return await new Promise(() => {});
      controller.close(); // short of the content-length, if it is a cut
    },
  });
}
