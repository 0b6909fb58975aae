/**
 * Uploads to ModelScope by its own API: large files go to the store of LFS by their hash, then one
 * commit names them and brings the small ones in its body.
 */
import { worded } from "../../base/shown.ts";
import { extname } from "@std/path";
import { disk } from "../disk.ts";
import { isJsonObject, type JsonObject } from "../disk/json_file.ts";
import { listModelScope, modelScopeAccess } from "./modelscope.ts";
import { putBytes } from "./put_bytes.ts";
import type { RepoFile } from "./repo.ts";
import { type HubAccess, withoutToken } from "./request.ts";
import { HubError } from "./retry.ts";
import type {
  HubUpload,
  MeasuredFile,
  UploadOptions,
  UploadTarget,
} from "./upload.ts";
import { type Answer, type SendOptions, sendSmall } from "./upload_request.ts";

/** Endings of files that the hub keeps in LFS whatever their size. */
const LFS_ENDINGS =
  /^\.(7z|arrow|bin|bz2|ckpt|ftz|gz|h5|joblib|mlmodel|model|msgpack|npy|npz|onnx|ot|parquet|pb|pickle|pkl|pt|pth|rar|safetensors|tar|tflite|tgz|wasm|xz|zip|zst)$/;
/** Bytes above which any file belongs into LFS. */
const LFS_SIZE = 2 ** 20;
/** Most files of one commit, as in the hub's own tool. */
const COMMIT_FILES = 256;
/** The hub's numbers for who may see a repository. */
const VISIBILITY = { private: 1, public: 5 };

const isLarge = ({ path, size }: MeasuredFile) =>
  size > LFS_SIZE || LFS_ENDINGS.test(extname(path).toLowerCase());

/** An upload to a repository of ModelScope. */
export function uploadModelScope(
  { name, revision = "master" }: UploadTarget,
  options: UploadOptions,
): HubUpload {
  const access = modelScopeAccess(options);
  const api = `${access.endpoint}/api/v1`;
  const send: SendOptions = { ...options, access };
  let there = new Map<string, RepoFile>();
  return {
    page: `${access.endpoint}/models/${name}`,
    async create() {
      const found = await sendSmall(`${api}/models/${name}`, {
        method: "GET",
        accept: [404],
      }, send);
      if (found.status !== 404 && !isRefusal(parsed(found))) return;
      const [owner, repo] = name.split("/");
      await post(`${api}/models`, {
        Path: owner,
        Name: repo,
        Visibility: VISIBILITY[options.isPrivate ? "private" : "public"],
      }, send);
    },
    async list() {
      const { files } = await listModelScope(
        { source: "modelscope", kind: "model", name, revision },
        options,
      );
      there = new Map(files.map((file) => [file.path, file]));
      return files;
    },
    async commit(files, onBytes) {
      const repo = `${api}/repos/models/${name}`;
      for (const file of files.filter(isLarge)) {
        await storeLarge(file, repo, { send, onBytes });
      }
      for (let first = 0; first < files.length; first += COMMIT_FILES) {
        const some = files.slice(first, first + COMMIT_FILES);
        const actions = await Promise.all(
          some.map((file) => actionFor(file, there.has(file.path))),
        );
        await post(`${repo}/commit/${encodeURIComponent(revision)}`, {
          commit_message: options.message,
          actions,
        }, send);
      }
    },
  };
}

/** Sends a large file to the store, unless the store has it. */
async function storeLarge(
  { local, path, size, sha256 }: MeasuredFile,
  repo: string,
  { send, onBytes }: {
    readonly send: SendOptions;
    readonly onBytes: (file: string, sent: number) => void;
  },
): Promise<void> {
  const { objects } = await post(`${repo}/info/lfs/objects/batch`, {
    operation: "upload",
    objects: [{ oid: sha256, size }],
  }, send);
  const object = Array.isArray(objects)
    ? objects.find(isJsonObject)
    : undefined;
  const actions = isJsonObject(object?.["actions"]) ? object["actions"] : {};
  const upload = isJsonObject(actions["upload"]) ? actions["upload"] : {};
  const { href } = upload;
  if (typeof href !== "string") return onBytes(path, size);
  const answer = await putBytes(
    {
      address: href,
      size,
      open: () => readPieces(local),
      withToken: isOfHub(href, send.access),
    },
    send,
    (sent) => onBytes(path, sent),
  );
  if (isRefusal(parsed(answer))) {
    throw refusal(parsed(answer), href, send.access);
  }
}

/**
 * Whether an address is of the hub's site, whose store wants the token too: the endpoint's host or,
 * below it, one of its own.
 */
function isOfHub(address: string, { endpoint }: HubAccess): boolean {
  if (!URL.canParse(address)) return false;
  const [url, own] = [new URL(address), new URL(endpoint)];
  if (url.origin === own.origin) return true;
  const site = own.hostname.replace(/^www\./, "");
  return url.protocol === "https:" && own.protocol === "https:" &&
    (url.hostname === site || url.hostname.endsWith(`.${site}`));
}

async function* readPieces(path: string): AsyncIterable<Uint8Array> {
  using file = await disk().open(path);
  while (true) {
    const piece = new Uint8Array(2 ** 16);
    const count = await file.read(piece);
    if (count === null) return;
    yield piece.subarray(0, count);
  }
}

/** What a commit says of a file: a large one by its hash, a small one with its content. */
async function actionFor(
  file: MeasuredFile,
  isThere: boolean,
): Promise<JsonObject> {
  const { path, size, local, sha256 } = file;
  const action = isThere ? "update" : "create";
  if (isLarge(file)) {
    return {
      action,
      path,
      type: "lfs",
      size,
      sha256,
      content: "",
      encoding: "",
    };
  }
  const content = (await disk().readFile(local)).toBase64();
  return {
    action,
    path,
    type: "normal",
    size,
    sha256: "",
    content,
    encoding: "base64",
  };
}

/** Posts JSON and gives the answer's `Data`. @throws HubError if the hub says that it failed */
async function post(
  address: string,
  body: JsonObject,
  send: SendOptions,
): Promise<JsonObject> {
  const answer = parsed(
    await sendSmall(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }, send),
  );
  if (isRefusal(answer)) throw refusal(answer, address, send.access);
  return isJsonObject(answer["Data"]) ? answer["Data"] : {};
}

function parsed({ text }: Answer): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {}; // the store answers without a body
  }
}

/** Whether an answer says that it failed, which it may do with status 200. */
function isRefusal({ Success, Code }: JsonObject): boolean {
  return Success === false || (Code !== undefined && Number(Code) !== 200);
}

function refusal(
  { Message }: JsonObject,
  address: string,
  access: HubAccess,
): HubError {
  const { origin, pathname } = new URL(address);
  return new HubError(
    `Cannot upload to "${origin}${pathname}": ${
      withoutToken(worded(Message ?? "the hub gives no reason"), access)
        .slice(0, 200)
    }`,
    { retry: false },
  );
}
