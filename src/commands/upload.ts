/**
 * The command `upload`: the model or adapter of a run to a repository on a hub. Prints nothing.
 */
import type { LocalFile, UploadTarget } from "../files/hub/upload.ts";
import { type Uploaded, uploadRepo } from "../files/hub/upload_repo.ts";
import { runFiles } from "../uploads/run_files.ts";
import {
  uploadSchema,
  uploadTarget,
  type UploadTaskOptions,
} from "../uploads/upload_options.ts";
import { defineCommand } from "./command.ts";
import type { DownloadProgress } from "./download.ts";
import { type Environment, HUB_VARIABLES, hubAccess } from "./hub_access.ts";

/**
 * `deno task upload`
 *
 * @internal
 */
export const uploadCommand = defineCommand({
  name: "upload",
  summary:
    "Uploads the model or adapter of a run, with its card, to Hugging Face or ModelScope.",
  schema: uploadSchema,
});

/** What `upload()` takes beside its options. */
export interface UploadHooks {
  /**
   * Reads the variables of the environment that the options leave to it; default: there are none.
   */
  readonly environment?: Environment;
  /** The files that go to the hub, before anything else happens. */
  readonly onFiles?: (
    files: readonly LocalFile[],
    hasCard: boolean,
  ) => void;
  /** Bytes that are on the hub, done and in total, and the file that just moved. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Stops the upload; what was sent is not sent again the next time. */
  readonly signal?: AbortSignal;
}

/**
 * Uploads the folder of a run.
 *
 * @returns undefined if `dry_run` is set
 * @throws {Error} In one line; what was sent stays on the hub for the next time
 */
export async function upload(
  folder: string,
  options: UploadTaskOptions,
  { environment = () => undefined, onFiles, onProgress, signal }: UploadHooks =
    {},
): Promise<Uploaded | undefined> {
  const target = uploadTarget(options);
  const { files, hasCard } = await runFiles(folder, options.files ?? undefined);
  onFiles?.(files, hasCard);
  if (options.dry_run) return undefined;
  const access = await hubAccess(target.source, options, environment);
  if (access.token === undefined) throw noToken(target);
  return await uploadRepo(target, files, {
    ...access,
    isPrivate: options.private,
    message: options.message,
    idle: options.timeout * 1000,
    ...(signal && { signal }),
    onProgress: (done, total, file) => onProgress?.({ done, total, file }),
  });
}

/** Where a user gets a token that may write. */
const TOKEN_PAGES = {
  huggingface: "https://huggingface.co/settings/tokens",
  modelscope: "https://modelscope.cn/my/myaccesstoken",
};

function noToken({ source, name }: UploadTarget): TypeError {
  return new TypeError(
    `Cannot upload to "${source}:${name}": found no token; set ${
      HUB_VARIABLES[source].token
    } or --token_file=PATH to one that may write, from ${TOKEN_PAGES[source]}`,
  );
}
