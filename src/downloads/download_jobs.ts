/**
 * The options of the download task, and what they and a recipe ask for: a list of repositories.
 * Opens no connection and reads no environment.
 *
 * @module
 */
import { isGlob } from "@std/path";
import { list, optional } from "../base/composite_option.ts";
import { choice, flag, integer, text } from "../base/option.ts";
import { present } from "../base/present.ts";
import { defineSchema, type Infer } from "../base/schema.ts";
import type { Repo } from "../files/hub/repo.ts";
import { isThere } from "../files/hub/repo_folder.ts";
import { RECIPE_ENDINGS } from "../training/options/recipe.ts";
import { isRemote } from "./recipe_repos.ts";
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
    adapter_name_or_path: optional(
      text("Repository of an adapter to continue, on the same hub"),
    ),
    ref_adapter_name_or_path: optional(
      text("Repository of an adapter as the reference, on the same hub"),
    ),
    tokenizer_name_or_path: optional(
      text(
        "Repository whose tokenizer is used, on the same hub; its weights stay there",
      ),
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
    token: optional(text("Access token; null is token_file")),
    token_file: optional(
      text("File with the token; null is HF_TOKEN or MODELSCOPE_API_TOKEN"),
    ),
    parallel: integer("Files at a time, 1 to 8", 3, { min: 1, max: 8 }),
    overwrite: flag(
      "Replace files of other content that no download brought, or that were changed since",
    ),
    timeout: integer(
      "Seconds without a byte after which a connection counts as broken",
      60,
      { min: 1, max: 3600 },
    ),
  },
}, {
  positionals: [{
    name: "RECIPE",
    help: "recipe whose model and data are downloaded (.jsonc or .yaml)",
    required: false,
    endings: RECIPE_ENDINGS,
  }],
  aliases: { dataset_name: "dataset" },
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
  /** Whether only its tokenizer is needed. */
  readonly tokenizerOnly?: boolean;
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
 * What is to be downloaded: `download`, the dataset, and the models unless they are paths. Each
 * repository comes once. Nothing is, if the model and the dataset are here and no more is named.
 *
 * @throws {TypeError} If nothing is named that a hub could have
 */
export async function downloadJobs(
  options: DownloadTaskOptions,
): Promise<DownloadJob[]> {
  const { download, dataset } = options;
  const jobs = [
    ...(download?.model ? [job("model", download.model)] : []),
    ...await modelJobs(options),
    ...(download?.datasets ?? []).map((one) => job("dataset", one)),
    ...(dataset === null || await isHere(dataset) ? [] : [job("dataset", {
      source: options.dataset_source,
      repo: dataset,
      revision: options.dataset_revision,
      files: options.dataset_files,
      folder: null,
    })]),
  ];
  if (jobs.length > 0) return onceEach(jobs);
  const { model_name_or_path: model } = options;
  if (model !== null && await isThere(model)) return [];
  if (model === null && dataset !== null) return [];
  throw new TypeError(
    `Cannot download: found ${
      model === null ? "no repository" : `the local path "${model}"`
    }, expected a recipe with "download", --model_name_or_path=OWNER/NAME or --dataset=OWNER/NAME`,
  );
}

/** Whether a dataset is a pattern of files, or a path that is here. */
async function isHere(dataset: string): Promise<boolean> {
  return isGlob(dataset) || await isThere(dataset);
}

/** The models, adapters and tokenizers that options name. */
async function modelJobs(options: DownloadTaskOptions): Promise<DownloadJob[]> {
  const { model_source: source, files } = options;
  const jobs: DownloadJob[] = [];
  const add = async (repo: string | null, tokenizerOnly = false) => {
    if (repo === null || !await isRemote(repo)) return;
    const revision = repo === options.model_name_or_path
      ? options.model_revision
      : null;
    const one = job("model", { source, repo, revision, files, folder: null });
    jobs.push(tokenizerOnly ? { ...one, tokenizerOnly } : one);
  };
  await add(options.model_name_or_path);
  await add(options.ref_model_name_or_path);
  await add(options.adapter_name_or_path);
  await add(options.ref_adapter_name_or_path);
  await add(options.tokenizer_name_or_path, true);
  return jobs;
}

/** The first job for each repository. */
function onceEach(jobs: readonly DownloadJob[]): DownloadJob[] {
  const keys = jobs.map(({ repo: { kind, name } }) => `${kind} ${name}`);
  return jobs.filter((_, i) => keys.indexOf(keys[i]!) === i);
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
