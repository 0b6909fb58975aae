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

export { downloadKeys } from "../downloads/recipe_repos.ts";

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
 * Downloads one repository after the other; files that are here and right are kept. Nothing is
 * downloaded if the options name only a model that is here.
 *
 * @throws {Error} In one line; what is here stays for the next time
 */
export async function download(
  options: DownloadTaskOptions,
  hooks: DownloadHooks = {},
): Promise<DownloadedRepo[]> {
  const downloaded: DownloadedRepo[] = [];
  const jobs = await downloadJobs(options);
  checkOneHub(jobs, options);
  for (const { repo, ...where } of jobs) {
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

/**
 * An endpoint or a token of the command line is one hub's: another hub must never see it.
 *
 * @throws {TypeError} if the repositories lie on several hubs
 */
function checkOneHub(
  jobs: readonly DownloadJob[],
  { endpoint, token }: DownloadTaskOptions,
): void {
  const hubs = new Set(jobs.map(({ repo }) => repo.source));
  if (hubs.size < 2 || (endpoint === null && token === null)) return;
  const given = endpoint === null ? "token" : "endpoint";
  const names = Object.values(VARIABLES).map((one) => one[given]).join(" and ");
  throw new TypeError(
    `Cannot download from ${
      [...hubs].join(" and ")
    } with one --${given}: set ${names} instead`,
  );
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
