/**
 * Translates the datasets of a LLaMA-Factory recipe, whose names are looked up in dataset_info.json
 * beside the data.
 */
import { numbered, worded } from "../../base/shown.ts";
import { isRecord } from "../../base/composite_option.ts";
import { present } from "../../base/present.ts";
import { isOff } from "../../base/read_options.ts";
import {
  type Note,
  type Recipe,
  type Translated,
  UNKNOWN,
} from "./translation.ts";

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

/** Keys of an entry with which its rows cannot be read, each with the reason. */
const REFUSED: Readonly<Record<string, string>> = {
  script_url: "code from a hub is never run; convert the data to a file",
  cloud_file_name: "download it first, and give it as file_name",
};

/** Columns of an entry that no row is read with. */
const PICTURES = ["images", "videos", "audios"];

const KEYS = [
  "file_name",
  "hf_hub_url",
  "ms_hub_url",
  "om_hub_url",
  "formatting",
  "ranking",
  "subset",
  "folder",
  "split",
  "num_samples",
  "columns",
  "tags",
];
const COLUMNS = [...Object.keys(ALPACA), ...SHARED, "messages", "kto_tag"];
const TAG_KEYS = [...Object.keys(TAGS), "role_tag", "content_tag"];

/** What of an entry is not served, and keys that nothing reads. */
function entrySaid(
  name: string,
  info: Recipe,
): { notes: Note[]; refusals: Note[] } {
  const columns = isRecord(info.columns) ? info.columns : {};
  const tags = isRecord(info.tags) ? info.tags : {};
  const at = (key: string) => `dataset ${name}: ${key}`;
  const refusals = Object.entries(REFUSED).filter(([key]) => key in info)
    .map(([key, reason]) => ({ key: at(key), reason }));
  const seen = PICTURES.map((key) => [key, `columns.${key}`] as const)
    .flatMap(([key, place]) => [
      ...isOff(info[key] ?? null) ? [] : [key],
      ...isOff(columns[key] ?? null) ? [] : [place],
    ]);
  const reason = "pictures and sounds are not served";
  refusals.push(...seen.map((key) => ({ key: at(key), reason })));
  const { formatting = "alpaca", num_samples: count } = info;
  if (!["alpaca", "sharegpt", "openai"].includes(worded(formatting))) {
    const reason =
      `"${formatting}" is not served, only alpaca, sharegpt, openai`;
    refusals.push({ key: at("formatting"), reason });
  }
  const unread = [
    ...Object.keys(info).filter((key) =>
      ![...KEYS, ...PICTURES].includes(key) && !Object.hasOwn(REFUSED, key)
    ),
    ...Object.keys(columns).filter((key) =>
      !COLUMNS.includes(key) && !PICTURES.includes(key)
    ).map((key) => `columns.${key}`),
    ...Object.keys(tags).filter((key) => !TAG_KEYS.includes(key))
      .map((key) => `tags.${key}`),
  ];
  const notes = unread.map((key) => ({ key: at(key), reason: UNKNOWN }));
  if (typeof count === "number") {
    const reason =
      `the first ${count} rows; LLaMA-Factory draws them at random`;
    notes.push({ key: at("num_samples"), reason });
  }
  return { notes, refusals };
}

/** The split of an entry: a file has none, but a slice of it counts. */
function splitOf({ file_name, split }: Recipe): unknown {
  return file_name === undefined || worded(split).includes("[")
    ? split ?? undefined
    : undefined;
}

/**
 * Translates an entry of dataset_info.json into a dataset of `dataset_mixture`, with what is not
 * served.
 */
export function datasetEntry(
  name: string,
  info: Recipe,
  folder: string,
): { dataset: Recipe; notes: Note[]; refusals: Note[] } {
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
  const dataset = {
    id,
    ...present({
      config: info.folder ?? info.subset,
      split: splitOf(info),
      columns: Object.keys(columns).length === 0 ? undefined : columns,
      turns,
    }),
  };
  return {
    dataset: firstRows(dataset, info.num_samples),
    ...entrySaid(name, info),
  };
}

function namesOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value : worded(value ?? "").split(",");
  return list.map((one) => worded(one).trim()).filter((one) => one !== "");
}

/**
 * Translates `interleave_under` and `interleave_over`, with `interleave_probs` or equal
 * probabilities.
 */
function mixing(recipe: Recipe, count: number) {
  const strategy = worded(recipe.mix_strategy ?? "concat");
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

/** A dataset with the first of its rows, which LLaMA-Factory counts for each. */
function firstRows(dataset: Recipe, count: unknown): Recipe {
  const { split = "train" } = dataset;
  if (typeof count !== "number" || count <= 0) return dataset;
  const counted = /^([^[]*)\[:(\d+)\]$/.exec(worded(split));
  return counted === null ? { ...dataset, split: `${split}[:${count}]` } : {
    ...dataset,
    split: `${counted[1]}[:${Math.min(Number(counted[2]), count)}]`,
  };
}

/** What the datasets of a recipe are found by. */
interface Place {
  readonly folder: string;
  readonly infos: unknown;
  readonly count: unknown;
  /** Whether the rows are texts, as in stage pt, which reads the prompt alone. */
  readonly isText: boolean;
}

/** A dataset whose rows are texts: the prompts of an alpaca entry. */
function asTexts(dataset: Recipe, info: unknown): Recipe {
  if (!isRecord(info) || (info.formatting ?? "alpaca") !== "alpaca") {
    return dataset;
  }
  const { columns: _, ...rest } = dataset;
  const given = isRecord(info.columns) ? info.columns : {};
  const text = given.prompt ?? "instruction";
  return text === "text" ? rest : { ...rest, columns: { text } };
}

/** The datasets of some names, with what is said of them. */
function datasetsOf(
  names: readonly string[],
  { folder, infos, count, isText }: Place,
): { datasets: Recipe[]; notes: Note[]; refusals: Note[] } {
  const notes: Note[] = [];
  const refusals: Note[] = [];
  const datasets = names.map((name) => {
    const info = isRecord(infos) ? infos[name] : undefined;
    if (!isRecord(info) && folder !== ONLINE) {
      const reason =
        `"${folder}/${INFO}" does not describe it; its file is taken to be`;
      notes.push({ key: `dataset ${name}`, reason: `${reason} "${name}"` });
    }
    const unknown = folder === ONLINE ? {} : { file_name: name };
    const found = datasetEntry(name, isRecord(info) ? info : unknown, folder);
    notes.push(...found.notes);
    refusals.push(...found.refusals);
    const rows = isText ? asTexts(found.dataset, info) : found.dataset;
    const { split } = rows;
    if (typeof count === "number" && /\[(?!:\d+\])/.test(worded(split))) {
      const reason = `the split of dataset ${name} is a part already: ${split}`;
      refusals.push({ key: "max_samples", reason });
      return rows;
    }
    return firstRows(rows, count);
  });
  return { datasets, notes, refusals };
}

const INFO = "dataset_info.json";
/** The folder of a recipe whose datasets are names on a hub. */
const ONLINE = "ONLINE";

/** What is wrong with how a recipe names and mixes its datasets. */
function placeRefused({ dataset_dir, mix_strategy }: Recipe): Note[] {
  const isRemote = worded(dataset_dir).startsWith("REMOTE:");
  return [
    ...(isRemote
      ? [{
        key: "dataset_dir",
        reason: `${
          worded(dataset_dir)
        }: download its ${INFO} into a folder first`,
      }]
      : []),
    ...(mix_strategy === "interleave_once"
      ? [{ key: "mix_strategy", reason: '"interleave_once" is not served' }]
      : []),
  ];
}

/** The rows to evaluate on: one whole dataset by its name, else datasets. */
function evaluation(
  names: readonly string[],
  datasets: readonly Recipe[],
  { folder, count }: Place,
): { eval_dataset?: string; eval_datasets?: readonly Recipe[] } {
  const [name] = names;
  if (name === undefined) return {};
  return names.length === 1 && typeof count !== "number" && folder !== ONLINE
    ? { eval_dataset: `${folder}/${name}` } // read as dataset_info.json has it
    : { eval_datasets: datasets };
}

/** Translates the datasets of a recipe, which are found in dataset_info.json. */
export async function llamaFactoryData(
  recipe: Recipe,
  readJson: ReadJson,
): Promise<Translated> {
  const names = namesOf(recipe.dataset);
  const tested = namesOf(recipe.eval_dataset);
  const refused = placeRefused(recipe);
  if (names.length + tested.length === 0) {
    return { options: {}, notes: [], refusals: refused };
  }
  const folder = worded(recipe.dataset_dir ?? "data");
  const infos = await readJson(`${folder}/${INFO}`);
  const isText = recipe.stage === "pt";
  const place = { folder, infos, count: recipe.max_samples, isText };
  const train = datasetsOf(names, place);
  const tests = datasetsOf(tested, place);
  const mix = mixing(recipe, names.length);
  const datasets = train.datasets.map((one, i) =>
    mix === undefined ? one : { ...one, probability: mix.probabilities[i] }
  );
  const size = numbered(recipe.val_size ?? 0);
  const { eval_datasets, ...single } = evaluation(
    tested,
    tests.datasets,
    place,
  );
  return {
    options: {
      ...single,
      ...(names.length === 0 ? {} : {
        dataset_mixture: {
          datasets,
          ...present({ eval_datasets }),
          ...(size > 0 ? { test_split_size: size } : {}),
          ...(mix ? { stopping_strategy: mix.stopping_strategy } : {}),
        },
      }),
    },
    notes: [...train.notes, ...tests.notes],
    refusals: [...refused, ...train.refusals, ...tests.refusals],
  };
}
