/**
 * Uploads to Hugging Face. Its library speaks the API (preupload, LFS batches with parts, commit);
 * its requests go through ours, which retry, stream from the disk and keep the token.
 */
import { isAbsolute, toFileUrl } from "@std/path";
import { disk } from "../disk.ts";
import { huggingFaceAccess, listHuggingFace } from "./huggingface.ts";
import { putBytes } from "./put_bytes.ts";
import { HubError } from "./retry.ts";
import type { HubUpload, UploadOptions, UploadTarget } from "./upload.ts";
import {
  type Answer,
  checked,
  type SendOptions,
  sendSmall,
} from "./upload_request.ts";

/** An upload to a repository of Hugging Face. */
export function uploadHuggingFace(
  { name, revision = "main" }: UploadTarget,
  options: UploadOptions,
): HubUpload {
  const access = huggingFaceAccess(options);
  const { endpoint } = access;
  const send: SendOptions = { ...options, access };
  const [organization, repo] = name.split("/");
  const list = async () => {
    const { files } = await listHuggingFace(
      { source: "huggingface", kind: "model", name, revision },
      options,
    );
    return files;
  };
  return {
    page: `${endpoint}/${name}`,
    list,
    async create() {
      const address = `${endpoint}/api/repos/create`;
      const made = await sendSmall(address, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          type: "model",
          organization,
          name: repo,
          ...(options.isPrivate && { visibility: "private" }),
        }),
        accept: [403, 409], // 409: it is there
      }, send);
      // a token may be for one repository only, and then make none
      if (made.status === 403) {
        await list().catch(() => checked(made, new URL(address), access));
      }
    },
    async commit(files, onBytes) {
      // loaded here: only an upload needs it
      const { commit } = await import("@huggingface/hub");
      await commit({
        repo: { type: "model", name },
        branch: revision,
        hubUrl: endpoint,
        title: options.message,
        useXet: false, // its storage takes plain LFS too, which needs no other host
        operations: await Promise.all(files.map(async ({ path, local }) => ({
          operation: "addOrUpdate" as const,
          path,
          content: await fileUrl(local),
        }))),
        fetch: fetchFor(send, onBytes),
        ...(options.signal && { abortSignal: options.signal }),
      }).catch((error) => {
        throw isOfForm(error) ? otherForm(`${endpoint}/${name}`) : error;
      });
    },
  };
}

/** Whether the library met an answer that it does not expect: it does not check what it reads. */
function isOfForm(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof TypeError;
}

function otherForm(page: string): HubError {
  return new HubError(
    `Cannot upload to "${page}": an answer of its hub has another form than Hugging Face's`,
    { retry: false },
  );
}

async function fileUrl(path: string): Promise<URL> {
  return toFileUrl(isAbsolute(path) ? path : await disk().realPath(path));
}

/** What the library says of a request that sends a file or a part of it. */
interface ProgressHint {
  readonly path: string;
  /** Index of the part, from 0; undefined for a whole file. */
  readonly part?: number;
}

/** The `fetch` that the library uses. */
function fetchFor(
  send: SendOptions,
  onBytes: (file: string, sent: number) => void,
): typeof fetch {
  const parts = new Map<string, Map<number, number>>();
  const count = ({ path, part = 0 }: ProgressHint, sent: number) => {
    const known = parts.get(path) ?? new Map<number, number>();
    parts.set(path, known.set(part, sent));
    onBytes(path, known.values().reduce((sum, one) => sum + one, 0));
  };
  return async (input, init = {}) => {
    const address = String(input instanceof Request ? input.url : input);
    const { body, method = "GET" } = init;
    if (method === "PUT" && body instanceof Blob) {
      const { progressHint } = init as { progressHint?: ProgressHint };
      return responseOf(
        await putBytes(
          {
            address,
            size: body.size,
            open: () => body.stream(),
            withToken: false,
          },
          send,
          (sent) => progressHint && count(progressHint, sent),
        ),
      );
    }
    const headers = new Headers(init.headers);
    headers.delete("authorization");
    return responseOf(
      await sendSmall(address, {
        method: method === "POST" ? "POST" : "GET",
        headers: Object.fromEntries(headers),
        ...(typeof body === "string" && { body }),
      }, send),
    );
  };
}

function responseOf({ status, headers, text }: Answer): Response {
  const kept = new Headers();
  for (const name of ["content-type", "etag", "x-request-id"]) {
    const value = headers.get(name);
    if (value !== null) kept.set(name, value);
  }
  return new Response(status === 204 ? null : text, { status, headers: kept });
}
