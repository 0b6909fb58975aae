/** Answers of hubs: what they list, say in their heads, and send as files. */
import { createHash } from "node:crypto";
import { useDisk } from "../../../src/files/disk.ts";
import { downloadRepo } from "../../../src/files/hub/download_repo.ts";
import { memoryDisk } from "../../files/memory_disk.ts";
import type { Chance } from "../chance.ts";
import { type DrawInput, hold } from "../fuzz_target.ts";
import { mutateJson } from "../mutate_json.ts";
import { mutateBytes, mutateText } from "../mutate_text.ts";
import { asLine } from "../project_files.ts";

const HUB = "https://hub.example";
const TOKEN = "hf_SECRETSECRETSECRET";
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const WEIGHTS = Uint8Array.from({ length: 500 }, (_, i) => i * 31 & 255);
const SHA256 = createHash("sha256").update(WEIGHTS).digest("hex");
const SIZE = WEIGHTS.length;

const LISTS = {
  huggingface: [
    { type: "directory", path: "a", oid: "1" },
    {
      type: "file",
      path: "model.safetensors",
      size: SIZE,
      lfs: { oid: SHA256, size: SIZE },
    },
    {
      type: "file",
      path: "a/b.json",
      size: SIZE,
      lfs: { oid: SHA256, size: SIZE },
    },
  ],
  modelscope: {
    Code: 200,
    Success: true,
    Data: {
      Files: [
        { Type: "tree", Path: "a" },
        { Type: "blob", Path: "model.safetensors", Size: SIZE, Sha256: SHA256 },
        { Type: "blob", Path: "a/b.json", Size: SIZE, Sha256: SHA256 },
      ],
    },
  },
} as const;

const STATUSES = [200, 206, 301, 302, 307, 401, 403, 404, 416, 429, 500, 503];
const HEADS: readonly (readonly [string, readonly string[]])[] = [
  ["location", [`${HUB}/y`, "https://other.example/y", "file:///x", "//", "?"]],
  ["retry-after", ["0", "3600", "99999999999", "-1", "x", "Tue, 01 Dec 2026"]],
  ["link", [`<${HUB}/api/z>; rel="next"`, "<x>; rel=next", "<", "x"]],
  ["content-length", ["0", "1", "-1", "1e9", "x", "501"]],
  ["content-range", ["bytes 0-1/2", "bytes 499-499/500", "x", "bytes */500"]],
  ["etag", ['"a"', "W/x", "", "x"]],
  ["content-type", ["text/html", "application/json"]],
];

/** One answer, which may be changed in its status, its heads and its body. */
function answer(chance: Chance, body: string | Uint8Array): Response {
  const status = chance.oneIn(8) ? chance.pick(STATUSES) : 200;
  const headers = new Headers();
  for (const [name, values] of HEADS) {
    if (chance.oneIn(8)) headers.set(name, chance.pick(values));
  }
  const changed = chance.oneIn(6)
    ? typeof body === "string"
      ? mutateText(chance, body)
      : mutateBytes(chance, body)
    : body;
  return new Response(changed as BodyInit, { status, headers });
}

/** The hub of one input: the same request may be answered otherwise the next time. */
function hubOf(chance: Chance, list: unknown, seen: Request[]) {
  return (from: Request | URL | string, init?: RequestInit) => {
    const request = new Request(from, init);
    seen.push(request);
    init?.signal?.throwIfAborted();
    const { pathname } = new URL(request.url);
    const body = pathname.includes("/revision/")
      ? JSON.stringify({ sha: COMMIT })
      : /\/tree\/|\/repo\/(files|tree)|^\/api\/z/.test(pathname)
      ? JSON.stringify(list) ?? ""
      : WEIGHTS;
    return Promise.resolve(answer(chance, body));
  };
}

/** Fails where a token went elsewhere, or a file is wrong or outside its folder. */
function check(disk: ReturnType<typeof memoryDisk>, seen: Request[]): void {
  for (const { url, headers } of seen) {
    const isPrivate = headers.has("authorization") || headers.has("cookie");
    hold(
      !isPrivate || url.startsWith(`${HUB}/`),
      () => "the token left the hub",
    );
  }
  hold(
    disk.paths().every((path) => path.startsWith("/repo")),
    () => "a file lies outside the folder",
  );
}

/** The target. */
export function hub(): Promise<DrawInput> {
  return Promise.resolve((chance) => {
    const source = chance.pick(["huggingface", "modelscope"] as const);
    const kind = chance.pick(["model", "dataset"] as const);
    const list = chance.oneIn(3)
      ? LISTS[source]
      : mutateJson(chance, LISTS[source]);
    return {
      words: `${source}, a ${kind} with a changed listing or answers`,
      async run() {
        const disk = memoryDisk();
        using _disk = useDisk(disk);
        const seen: Request[] = [];
        globalThis.fetch = hubOf(chance, list, seen) as typeof fetch;
        try {
          const { files } = await downloadRepo(
            { source, kind, name: "owner/name" },
            {
              endpoint: HUB,
              token: TOKEN,
              folder: "/repo",
              files: ["**"],
              idle: 2000,
              retries: 2,
              delay: () => Promise.resolve(),
              random: () => 0.5,
            },
          );
          for (const path of files.keys()) {
            const bytes = await disk.readFile(`/repo/${path}`);
            hold(bytes.length === files.get(path)!.size, () => "a wrong size");
          }
        } catch (error) {
          const words = error instanceof Error ? error.message : "";
          hold(!words.includes(TOKEN), () => "the token is shown");
          throw error;
        } finally {
          check(disk, seen);
        }
      },
      show: () => asLine(JSON.stringify(list)),
    };
  });
}
