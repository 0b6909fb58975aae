/**
 * What a recipe needs from a hub: its models, and every dataset that it names and that is not here.
 * A recipe of another tool is translated first. Opens no connection.
 */
import { isGlob } from "@std/path";
import { isRecord } from "../base/composite_option.ts";
import { aliasOf } from "../base/schema.ts";
import { readJsonObjectIfThere } from "../files/disk/json_file.ts";
import { isRepoName, isThere } from "../files/hub/repo_folder.ts";
import { isDataFile } from "../files/records/data_kinds.ts";
import { importRecipe } from "../training/importing/import_recipe.ts";
import { trainSchema } from "../training/options/train_schema.ts";
import { describedEntry } from "../training/setup/described_dataset.ts";

type Recipe = Readonly<Record<string, unknown>>;

/** Keys of a recipe that name models, or say where the first one comes from. */
const MODEL_KEYS = [
  "model_name_or_path",
  "model_source",
  "model_revision",
  "ref_model_name_or_path",
  "adapter_name_or_path",
  "ref_adapter_name_or_path",
  "tokenizer_name_or_path",
];

/**
 * The keys of a recipe that the download task reads; all others are the business of other tasks.
 * The datasets that it names are added to its `download`.
 *
 * @param given options of the command line: a repository named there replaces the recipe's
 */
export async function downloadKeys(
  recipe: Recipe,
  given: Recipe,
): Promise<Record<string, unknown>> {
  const own = await translated(recipe);
  const keys = Object.fromEntries(
    MODEL_KEYS.filter((name) => Object.hasOwn(own, name))
      .map((name) => [name, own[name]]),
  );
  const block = isRecord(own.download) ? own.download : {};
  const listed = Array.isArray(block.datasets) ? block.datasets : [];
  const model = "model_name_or_path" in given ? null : block.model ?? null;
  const datasets = "dataset" in given || "dataset_name" in given
    ? []
    : [...listed, ...await datasetRepos(own, { listed, given })];
  return { ...keys, download: { model, datasets } };
}

/** A recipe under the names of our own options. */
async function translated(recipe: Recipe): Promise<Recipe> {
  const { tool, options } = await importRecipe(recipe, readJsonObjectIfThere);
  const { download } = recipe;
  if (tool === "LLaMA-Factory" && "dataset" in recipe) {
    const datasets = await describedNames(recipe);
    return {
      ...options,
      download,
      dataset_mixture: { datasets },
      eval_dataset: null,
    };
  }
  const own = tool === "TRL"
    ? { ...options, ...recipe }
    : { ...options, download };
  const entries = Object.entries(own).map(([key, value]) =>
    [aliasOf(trainSchema, key)?.name ?? key, value] as const
  );
  return Object.fromEntries(entries);
}

/** The datasets of LLaMA-Factory that its dataset_info.json describes; the others are files. */
async function describedNames(
  { dataset, eval_dataset, dataset_dir }: Recipe,
): Promise<{ readonly id: string }[]> {
  const folder = typeof dataset_dir === "string" ? dataset_dir : "data";
  const names = [dataset, eval_dataset].flat()
    .flatMap((names) => typeof names === "string" ? names.split(",") : []);
  const ids = names.map((name) => ({ id: `${folder}/${name.trim()}` }));
  const entries = await Promise.all(ids.map(({ id }) => describedEntry(id)));
  return ids.filter((_, i) => entries[i] !== undefined);
}

/** The datasets of a recipe as entries of `download.datasets`, without those that are listed. */
async function datasetRepos(
  recipe: Recipe,
  { listed, given }: { listed: readonly unknown[]; given: Recipe },
): Promise<Recipe[]> {
  const known = new Set<unknown>(
    listed.filter(isRecord).map(({ repo }) => repo),
  );
  const repos: Recipe[] = [];

  for (const id of datasetNames(recipe)) {
    const found = await datasetRepo(id, given.dataset_source ?? "huggingface");
    if (found === undefined || known.has(found.repo)) continue;
    known.add(found.repo);
    repos.push(found);
  }
  return repos;
}

/** Everything that a recipe takes rows from, in the order in which training looks for them. */
function datasetNames(recipe: Recipe): string[] {
  const { dataset, dataset_mixer, dataset_mixture, eval_dataset } = recipe;
  const mixture = isRecord(dataset_mixture) ? dataset_mixture : {};
  const idsOf = (list: unknown) =>
    (Array.isArray(list) ? list : []).filter(isRecord).map(({ id }) => id);
  const mixed = idsOf(mixture.datasets);
  const training = typeof dataset === "string"
    ? [dataset]
    : mixed.length > 0
    ? mixed
    : Object.keys(isRecord(dataset_mixer) ? dataset_mixer : {});
  return [...training, ...idsOf(mixture.eval_datasets), eval_dataset]
    .filter((name) => typeof name === "string");
}

interface DatasetRepo extends Recipe {
  readonly repo: string;
  readonly source: unknown;
}

/** The repository of a dataset; undefined if it is no repository's name, or here already. */
async function datasetRepo(
  id: string,
  source: unknown,
): Promise<DatasetRepo | undefined> {
  const entry = await describedEntry(id);
  if (entry !== undefined) return describedRepo(entry.info, source);
  return await isRemote(id) ? { repo: id, source } : undefined;
}

/** The repository of an entry of dataset_info.json; undefined if the entry names a file. */
function describedRepo(
  info: Recipe,
  source: unknown,
): DatasetRepo | undefined {
  const { hf_hub_url: huggingFace, ms_hub_url: modelScope } = info;
  if (typeof info.file_name === "string") return undefined;
  if (typeof modelScope === "string") {
    if (source === "modelscope" || typeof huggingFace !== "string") {
      return { repo: modelScope, source: "modelscope" };
    }
  }
  if (typeof huggingFace !== "string") return undefined;
  return { repo: huggingFace, source: "huggingface" };
}

/** Whether a name is that of a repository, and of nothing here. */
export async function isRemote(name: string): Promise<boolean> {
  if (isGlob(name) || !isRepoName(name) || isDataFile(name)) return false;
  return !/^(model_hub|data|output)\//.test(name) && !await isThere(name);
}
