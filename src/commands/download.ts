/**
 * The command `download`: the models and data that a recipe names, from their hubs. Prints nothing.
 */
import {
  type DownloadJob,
  downloadJobs,
  downloadSchema,
  type DownloadTaskOptions,
} from "../downloads/download_jobs.ts";
import {
  type DownloadedRepo,
  downloadRepo,
} from "../files/hub/download_repo.ts";
import type { HubSource } from "../files/hub/repo.ts";
import { defineCommand } from "./command.ts";

export { downloadKeys } from "../downloads/download_jobs.ts";

/**
 * `deno task download`
 *
 * @internal
 */
export const downloadCommand = defineCommand({
  name: "download",
  summary:
    "Downloads models and datasets from Hugging Face or ModelScope, safetensors only.",
  schema: downloadSchema,
});

/** Variables with the address of a hub and the user's token, as the hubs' own tools read them. */
const VARIABLES: Readonly<
  Record<HubSource, { readonly endpoint: string; readonly token: string }>
> = {
  huggingface: { endpoint: "HF_ENDPOINT", token: "HF_TOKEN" },
  modelscope: {
    endpoint: "MODELSCOPE_ENDPOINT",
    token: "MODELSCOPE_API_TOKEN",
  },
};

/** What `download()` takes beside its options. */
export interface DownloadHooks {
  /**
   * Reads the variables of the environment that the options leave to it; default: there are none.
   */
  readonly environment?: (name: string) => string | undefined;
  /** Bytes of a repository's files, done and in total, and the file that just moved. */
  readonly onProgress?: (
    repo: string,
    progress: DownloadProgress,
  ) => void;
  /** A repository is whole. */
  readonly onRepo?: (repo: string, downloaded: DownloadedRepo) => void;
}

/** How far the download of a repository is. */
export interface DownloadProgress {
  /** Bytes that are here. */
  readonly done: number;
  /** Bytes of all its files. */
  readonly total: number;
  /** The file that just moved. */
  readonly file: string;
}

/**
 * Downloads one repository after the other; files that are here and right are kept.
 *
 * @throws {Error} In one line; what is here stays for the next time
 */
export async function download(
  options: DownloadTaskOptions,
  hooks: DownloadHooks = {},
): Promise<DownloadedRepo[]> {
  const downloaded: DownloadedRepo[] = [];
  for (const { repo, ...where } of downloadJobs(options)) {
    const { name } = repo;
    const one = await downloadRepo(repo, {
      ...where,
      ...accessOf(repo, options, hooks),
      parallel: options.parallel,
      onProgress: (done, total, file) =>
        hooks.onProgress?.(name, { done, total, file }),
    });
    hooks.onRepo?.(name, one);
    downloaded.push(one);
  }
  return downloaded;
}

/** Endpoint and token: the options' own, else the environment's. */
function accessOf(
  { source }: DownloadJob["repo"],
  options: DownloadTaskOptions,
  { environment = () => undefined }: DownloadHooks,
) {
  const names = VARIABLES[source];
  const endpoint = options.endpoint ?? environment(names.endpoint);
  const token = options.token ?? environment(names.token);
  return { ...(endpoint && { endpoint }), ...(token && { token }) };
}
