/**
 * Translates the datasets of a LLaMA-Factory recipe, whose names are looked up in dataset_info.json
 * beside the data.
 */
import { isRecord } from "../../base/composite_option.ts";
import { present } from "../../base/present.ts";
import type { Note, Recipe, Translated } from "./translation.ts";

/** Reads the parsed JSON of a file; gives undefined if the file does not exist. */
export type ReadJson = (path: string) => Promise<unknown>;

/** LLaMA-Factory's names of alpaca columns -> the name here, and its default column. */
const ALPACA: Readonly<Record<string, readonly [ours: string, its: string]>> = {
  prompt: ["instruction", "instruction"],
  query: ["input", "input"],
  response: ["output", "output"],
};
const SHARED = ["history", "system", "tools", "chosen", "rejected"];

/**
 * LLaMA-Factory's keys for the names of speakers -> the role here, or the speaker whose text is a
 * function call.
 */
const TAGS: Readonly<Record<string, string>> = {
  user_tag: "user",
  assistant_tag: "assistant",
  observation_tag: "tool",
  function_tag: "function_call",
  system_tag: "system",
};

function columnsOf(
  columns: Recipe,
  turnsKey: "conversations" | "messages" | undefined,
): Record<string, string> {
  const map: Record<string, string> = {};
  const put = (ours: string, its: unknown) => {
    if (typeof its === "string" && its !== ours) map[ours] = its;
  };
  if (turnsKey === undefined) {
    for (const [key, [ours, its]] of Object.entries(ALPACA)) {
      put(ours, columns[key] ?? its);
    }
  } else put(turnsKey, columns.messages ?? "conversations");
  for (const key of SHARED) put(key, columns[key]);
  put("label", columns.kto_tag);
  return map;
}

function turnsOf(tags: Recipe): Recipe | undefined {
  const roles = Object.fromEntries(
    Object.entries(TAGS).filter(([tag]) => typeof tags[tag] === "string")
      .map(([tag, ours]) => [tags[tag] as string, ours]),
  );
  const turns = present({
    role: tags.role_tag,
    content: tags.content_tag,
    roles: Object.keys(roles).length === 0 ? undefined : roles,
  });
  return Object.keys(turns).length === 0 ? undefined : turns;
}

/**
 * Keys of an entry that are not served although they change which rows are read, each with the
 * reason.
 */
const UNSERVED: Readonly<Record<string, string>> = {
  script_url: "code from a hub is never run; convert the data to a file",
  num_samples: "use weight or max_train_samples",
  images: "pictures are not served",
  cloud_file_name: "download it first",
};

/**
 * Translates an entry of dataset_info.json into a dataset of `dataset_mixture`, with notes about
 * what is not served.
 */
export function datasetEntry(
  name: string,
  info: Recipe,
  folder: string,
): { dataset: Recipe; notes: Note[] } {
  const file = info.file_name;
  const id = typeof file === "string"
    ? /^(\/|[A-Za-z]:)/.test(file) ? file : `${folder}/${file}`
    : info.hf_hub_url ?? info.ms_hub_url ?? info.om_hub_url ?? name;
  const isAlpaca = (info.formatting ?? "alpaca") === "alpaca";
  const tags = isRecord(info.tags) ? info.tags : {};
  // with OpenAI's tags the column of the turns is called messages
  const turnsKey = isAlpaca
    ? undefined
    : info.formatting === "openai" || tags.role_tag === "role"
    ? "messages"
    : "conversations";
  const columns = columnsOf(
    isRecord(info.columns) ? info.columns : {},
    turnsKey,
  );
  const turns = turnsOf(tags);
  const notes = Object.entries(UNSERVED).filter(([key]) => key in info)
    .map(([key, reason]) => ({ key: `dataset ${name}: ${key}`, reason }));
  const inside = info.folder ?? info.subset;
  return {
    dataset: {
      id,
      ...present({
        config: inside,
        split: file === undefined ? info.split : undefined,
        columns: Object.keys(columns).length === 0 ? undefined : columns,
        turns,
      }),
    },
    notes,
  };
}

function namesOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value : String(value ?? "").split(",");
  return list.map((one) => String(one).trim()).filter((one) => one !== "");
}

/**
 * Translates `interleave_under` and `interleave_over`, with `interleave_probs` or equal
 * probabilities.
 */
function mixing(recipe: Recipe, count: number) {
  const strategy = String(recipe.mix_strategy ?? "concat");
  if (!strategy.startsWith("interleave")) return undefined;
  const given = namesOf(recipe.interleave_probs).map(Number);
  return {
    probabilities: Array.from(
      { length: count },
      (_, i) => given[i] ?? 1 / count,
    ),
    stopping_strategy: strategy.startsWith("interleave_under")
      ? "first_exhausted"
      : "all_exhausted",
  };
}

/** A dataset with the first `max_samples` of its rows, which LLaMA-Factory counts for each. */
function firstRows(dataset: Recipe, count: unknown): Recipe {
  return typeof count === "number" && count > 0
    ? { ...dataset, split: `${dataset.split ?? "train"}[:${count}]` }
    : dataset;
}

/** Translates the datasets of a recipe, which are found in dataset_info.json. */
export async function llamaFactoryData(
  recipe: Recipe,
  readJson: ReadJson,
): Promise<Translated> {
  const names = namesOf(recipe.dataset);
  if (names.length === 0) return { options: {}, notes: [] };
  const folder = String(recipe.dataset_dir ?? "data");
  const path = `${folder}/dataset_info.json`;
  const infos = await readJson(path);
  const notes: Note[] = [];
  const mix = mixing(recipe, names.length);
  const datasets = names.map((name, i) => {
    const info = isRecord(infos) ? infos[name] : undefined;
    if (!isRecord(info)) {
      const reason = `"${path}" does not describe it; its file is taken to be`;
      notes.push({ key: `dataset ${name}`, reason: `${reason} "${name}"` });
    }
    const found = datasetEntry(
      name,
      isRecord(info) ? info : { file_name: name },
      folder,
    );
    notes.push(...found.notes);
    const dataset = firstRows(found.dataset, recipe.max_samples);
    return mix === undefined
      ? dataset
      : { ...dataset, probability: mix.probabilities[i] };
  });
  const test = Number(recipe.val_size ?? 0);
  const evaluation = namesOf(recipe.eval_dataset);
  if (evaluation.length > 1) {
    const reason = "only the first is taken";
    notes.push({ key: "eval_dataset", reason });
  }
  return {
    options: {
      ...(evaluation[0] === undefined
        ? {}
        : { eval_dataset: `${folder}/${evaluation[0]}` }), // read as dataset_info.json has it
      dataset_mixture: {
        datasets,
        ...(test > 0 ? { test_split_size: test } : {}),
        ...(mix ? { stopping_strategy: mix.stopping_strategy } : {}),
      },
    },
    notes,
  };
}
