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
import { defineCommand } from "./command.ts";
import { type Environment, HUB_VARIABLES, hubAccess } from "./hub_access.ts";

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

/** What `download()` takes beside its options. */
export interface DownloadHooks {
  /**
   * Reads the variables of the environment that the options leave to it; default: there are none.
   */
  readonly environment?: Environment;
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
  const { environment = () => undefined } = hooks;
  const downloaded: DownloadedRepo[] = [];
  const jobs = await downloadJobs(options);
  checkOneHub(jobs, options);
  for (const { repo, ...where } of jobs) {
    const { name } = repo;
    const one = await downloadRepo(repo, {
      ...where,
      ...await hubAccess(repo.source, options, environment),
      parallel: options.parallel,
      idle: options.timeout * 1000,
      overwrite: options.overwrite,
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
  { endpoint, token, token_file }: DownloadTaskOptions,
): void {
  const hubs = new Set(jobs.map(({ repo }) => repo.source));
  const given = endpoint !== null ? "endpoint" : "token";
  if (hubs.size < 2 || (endpoint ?? token ?? token_file) === null) return;
  const names = Object.values(HUB_VARIABLES).map((one) => one[given]).join(
    " and ",
  );
  throw new TypeError(
    `Cannot download from ${
      [...hubs].join(" and ")
    } with one --${given}: set ${names} instead`,
  );
}
