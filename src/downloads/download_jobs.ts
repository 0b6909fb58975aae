/**
 * The options of the download task, and what they and a recipe ask for: a list of repositories.
 * Opens no connection and reads no environment.
 *
 * @module
 */
import { list, optional } from "../base/composite_option.ts";
import { choice, integer, text } from "../base/option.ts";
import { present } from "../base/present.ts";
import { defineSchema, type Infer } from "../base/schema.ts";
import type { Repo } from "../files/hub/repo.ts";
import { isRepoName } from "../files/hub/repo_folder.ts";
import {
  downloadOption,
  hubNames,
} from "../training/options/download_option.ts";

const patterns = (what: string) =>
  optional(
    list(
      `Patterns of the files of the ${what}, "*.json,*.safetensors"; null is what is needed`,
      undefined,
      text("Pattern"),
    ),
  );

/**
 * The options of `deno task download`.
 *
 * @internal
 */
export const downloadSchema = defineSchema({
  "What to download": {
    model_name_or_path: optional(text("Repository of a model, OWNER/NAME")),
    model_source: choice("Hub of the model", "huggingface", hubNames),
    model_revision: optional(
      text("Branch, tag or commit of the model; null is the main one"),
    ),
    ref_model_name_or_path: optional(
      text("Repository of another model as the reference, on the same hub"),
    ),
    files: patterns("model"),
    dataset: optional(text("Repository of a dataset, OWNER/NAME")),
    dataset_source: choice("Hub of the dataset", "huggingface", hubNames),
    dataset_revision: optional(
      text("Branch, tag or commit of the dataset; null is the main one"),
    ),
    dataset_files: patterns("dataset"),
    download: downloadOption,
  },
  "How": {
    endpoint: optional(
      text(
        "Address of the hub or of a mirror; null is HF_ENDPOINT or MODELSCOPE_ENDPOINT, or the hub itself",
      ),
    ),
    token: optional(
      text("Access token; null is HF_TOKEN or MODELSCOPE_API_TOKEN"),
    ),
    parallel: integer("Files at a time, 1 to 8", 3, { min: 1, max: 8 }),
  },
}, {
  positionals: [{
    name: "RECIPE",
    help: "recipe whose model and data are downloaded (.jsonc or .yaml)",
    required: false,
  }],
});

/** The options of the download task. */
export type DownloadTaskOptions = Infer<typeof downloadSchema>;

/** One repository to download. */
export interface DownloadJob {
  /** What is downloaded. */
  readonly repo: Repo;
  /** Patterns of files; what the kind needs if absent. */
  readonly files?: readonly string[];
  /** Where to; its usual folder if absent. */
  readonly folder?: string;
}

/**
 * The keys of a recipe that the download task reads; all others are the business of other tasks.
 *
 * @param given options of the command line: a repository named there replaces the recipe's
 *   `download`
 */
export function downloadKeys(
  recipe: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const names = [
    "model_name_or_path",
    "model_source",
    "model_revision",
    "ref_model_name_or_path",
  ];
  if (!("model_name_or_path" in given || "dataset" in given)) {
    names.push("download");
  }
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(recipe, name))
      .map((name) => [name, recipe[name]]),
  );
}

/** A repository as recipes describe it. */
interface Described {
  readonly source: Repo["source"];
  readonly repo: string;
  readonly revision: string | null;
  readonly files: readonly string[] | null;
  readonly folder: string | null;
}

/**
 * What is to be downloaded: the recipe's `download`, and what model and dataset name unless they
 * are paths.
 *
 * @throws {TypeError} If nothing is named that a hub could have
 */
export function downloadJobs(options: DownloadTaskOptions): DownloadJob[] {
  const { download, model_name_or_path: model, dataset } = options;
  const jobs: DownloadJob[] = [];
  if (download?.model) jobs.push(job("model", download.model));
  else if (model !== null && isRemote(model)) {
    jobs.push(job("model", {
      source: options.model_source,
      repo: model,
      revision: options.model_revision,
      files: options.files,
      folder: null,
    }));
  }
  const { ref_model_name_or_path: reference } = options;
  if (reference !== null && isRemote(reference)) {
    jobs.push(job("model", {
      source: options.model_source,
      repo: reference,
      revision: null,
      files: options.files,
      folder: null,
    }));
  }
  for (const one of download?.datasets ?? []) jobs.push(job("dataset", one));
  if (dataset !== null) {
    jobs.push(job("dataset", {
      source: options.dataset_source,
      repo: dataset,
      revision: options.dataset_revision,
      files: options.dataset_files,
      folder: null,
    }));
  }
  if (jobs.length > 0) return jobs;
  throw new TypeError(
    `Cannot download: found ${
      model === null ? "no repository" : `the local path "${model}"`
    }, expected a recipe with "download", --model_name_or_path=OWNER/NAME or --dataset=OWNER/NAME`,
  );
}

/** Whether a model's name is a repository's: not a path into the folders of this project. */
function isRemote(name: string): boolean {
  return isRepoName(name) && !/^(model_hub|data|output)\//.test(name);
}

function job(kind: Repo["kind"], described: Described): DownloadJob {
  const { source, repo: name, revision, files, folder } = described;
  return {
    repo: {
      source,
      kind,
      name,
      ...present({ revision: revision ?? undefined }),
    },
    ...present({ files: files ?? undefined, folder: folder ?? undefined }),
  };
}
