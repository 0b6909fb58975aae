/**
 * Translates the datasets of an Axolotl recipe. Each has a type, which says what its columns are
 * called and how they are rendered; see axolotl_types.ts.
 */
import { numbered, worded } from "../../base/shown.ts";
import { isRecord } from "../../base/composite_option.ts";
import { present } from "../../base/present.ts";
import { isOff } from "../../base/read_options.ts";
import { kindOfFile } from "../../files/records/data_kinds.ts";
import { datasetKeys, wordsRefused } from "./axolotl_dataset_keys.ts";
import { axolotlTemplate } from "./axolotl_template.ts";
import { kindOf, knownTypes } from "./axolotl_types.ts";
import type { Note, Recipe, Translated } from "./translation.ts";

/** Axolotl's name of a field -> the name here, for types whose fields the recipe names. */
const FIELDS: Readonly<Record<string, string>> = {
  field_messages: "messages",
  field_chosen: "chosen",
  field_rejected: "rejected",
  field_prompt: "instruction",
  field_instruction: "instruction",
  field_input: "input",
  field_output: "output",
  field_system: "system",
  field_completion: "completion",
  field_label: "label",
  field_tools: "tools",
  field_chat_template_kwargs: "chat_template_kwargs",
  field: "text",
  text_column: "text",
};

/**
 * Our columns to those that a dataset names.
 *
 * @param isRaw whether its prompts are texts that no template renders
 */
function fieldColumns(given: Recipe, isRaw: boolean): Record<string, string> {
  const entries = Object.entries(FIELDS).map(([field, ours]) =>
    [field, isRaw && field === "field_prompt" ? "prompt" : ours] as const
  ).filter(([field, ours]) =>
    typeof given[field] === "string" && given[field] !== ours &&
    given[field] !== "prompt" // a column that is read by this name
  ).map(([field, ours]) => [ours, given[field] as string]);
  return Object.fromEntries(entries);
}

/**
 * Translates the names inside turns: `message_property_mappings: { role, content }`,
 * `roles: { user: ["human"] }`, and older names of these keys.
 */
function turnsOf(given: Recipe): Recipe | undefined {
  const mapping = isRecord(given.message_property_mappings)
    ? given.message_property_mappings
    : {};
  const role = mapping.role ?? given.message_field_role;
  const content = mapping.content ?? given.message_field_content;
  const roles = Object.entries(isRecord(given.roles) ? given.roles : {})
    .flatMap(([ours, theirs]) =>
      (Array.isArray(theirs) ? theirs : [theirs]).map((one) =>
        [worded(one), ours] as const
      )
    );
  const turns = present({
    role,
    content,
    roles: roles.length === 0 ? undefined : Object.fromEntries(roles),
  });
  return Object.keys(turns).length === 0 ? undefined : turns;
}

/** What Axolotl's types of other methods are refused with. */
const OTHER_METHODS = /stepwise_supervised|^ebft|^rwd|grpo/;

/** What is wrong with the type of a dataset; empty if it is served. */
function typeRefused({ type }: Recipe, place: string): Note[] {
  if (kindOf(type) !== undefined) return [];
  if (isRecord(type)) return wordsRefused(type, place);
  const reason = OTHER_METHODS.test(worded(type))
    ? `${worded(type)} is not served`
    : `"${
      worded(type)
    }" is not served, only ${knownTypes}; write the rows as messages`;
  return [{ key: `${place}.type`, reason }];
}

/** A translated dataset: one for `dataset_mixture` per file, with what is lost. */
interface Dataset {
  readonly files: readonly Recipe[];
  readonly notes: readonly Note[];
  readonly refusals: readonly Note[];
}

function dataset(given: Recipe, place: string): Dataset {
  const { type } = given;
  const own = isRecord(type) ? { ...given, ...type } : given;
  const kind = kindOf(type);
  const keys = datasetKeys(given, place);
  const note = kind?.note;
  const notes = note === undefined
    ? []
    : [{ key: `${place}.type`, reason: note }];
  const columns = {
    ...kind?.columns,
    ...fieldColumns(own, isRecord(type) && kind?.template === undefined),
  };
  const turns = turnsOf(own);
  const files = [given.data_files].flat()
    .map((file) => sourceOf(given, file, { columns, turns }));
  return {
    files,
    notes: [...notes, ...shardNotes(given, place), ...keys.notes],
    refusals: [...typeRefused(given, place), ...keys.refusals],
  };
}

/** How many parts a dataset is cut into, of which one is read; 1 if it is read whole. */
function partsOf({ shards }: Recipe): number {
  return typeof shards === "number" && shards > 1 ? shards : 1;
}

function shardNotes(given: Recipe, place: string): Note[] {
  const parts = partsOf(given);
  const reason =
    `the first 1/${parts} of the rows; Axolotl shuffles them before`;
  return parts === 1 ? [] : [{ key: `${place}.shards`, reason }];
}

/** A dataset for `dataset_mixture`: one of its files, or everything at its path. */
function sourceOf(
  given: Recipe,
  file: unknown,
  { columns, turns }: { columns: Recipe; turns: Recipe | undefined },
): Recipe {
  const isFile = kindOfFile(worded(file ?? given.path)).kind !== undefined;
  return {
    id: file ?? given.path,
    ...present({
      config: isFile ? undefined : given.name,
      split: isFile && !worded(given.split).includes("[")
        ? undefined
        : given.split ?? undefined,
      weight: partsOf(given) === 1 ? undefined : 1 / partsOf(given),
      columns: Object.keys(columns).length === 0 ? undefined : columns,
      turns,
    }),
  };
}

/** The datasets of a key of the recipe, with what is said of them. */
function datasetsOf(recipe: Recipe, key: string): Dataset {
  const given = recipe[key];
  const list = (Array.isArray(given) ? given : []).filter(isRecord);
  const read = list.map((one, i) => dataset(one, `${key}[${i}]`));
  return {
    files: read.flatMap(({ files }) => files),
    notes: read.flatMap(({ notes }) => notes),
    refusals: read.flatMap(({ refusals }) => refusals),
  };
}

/** The rows to evaluate on: one plain file by its name, else datasets. */
function evaluation(files: readonly Recipe[]): Recipe {
  const [first] = files;
  if (first === undefined) return {};
  const isPlain = files.length === 1 && Object.keys(first).length === 1;
  return isPlain ? { eval_dataset: first.id } : { eval_datasets: files };
}

/** Texts that are too long are cut into pieces, which packing does here. */
function texts(recipe: Recipe, list: readonly Recipe[]): Translated {
  const isText = list.map(({ type }) => kindOf(type)?.isText === true);
  if (!isText.includes(true) || !isOff(recipe.rl ?? null)) {
    return { options: {}, notes: [] };
  }
  if (recipe.sample_packing === true && !isText.includes(false)) {
    return { options: { packing_strategy: "bfd_split" }, notes: [] };
  }
  const reason = "Axolotl cuts texts of more than sequence_len tokens into " +
    "pieces, here they are left out and counted; sample_packing with texts alone cuts them";
  return {
    options: {},
    notes: [{ key: `datasets[${isText.indexOf(true)}].type`, reason }],
  };
}

/** Translates the datasets of a recipe, and the part that it tests on. */
export function axolotlData(recipe: Recipe): Translated {
  const list = (Array.isArray(recipe.datasets) ? recipe.datasets : [])
    .filter(isRecord);
  const train = datasetsOf(recipe, "datasets");
  const tests = datasetsOf(recipe, "test_datasets");
  const template = axolotlTemplate(recipe, list);
  const { eval_datasets, ...evaluated } = evaluation(tests.files);
  const cut = texts(recipe, list);
  const size = numbered(recipe.val_set_size ?? 0);
  const isShuffled = recipe.shuffle_merged_datasets !== false &&
    !(recipe.curriculum_sampling === true && list.length === 1);
  return {
    options: {
      ...template.options,
      ...cut.options,
      ...(list.length === 0 ? {} : {
        dataset_mixture: {
          datasets: train.files,
          ...(size > 0 ? { test_split_size: size } : {}),
          ...present({ eval_datasets }),
          ...(isShuffled ? { seed: numbered(recipe.seed ?? 42) } : {}),
        },
      }),
      ...evaluated,
    },
    notes: [...train.notes, ...tests.notes, ...cut.notes, ...template.notes],
    refusals: [
      ...train.refusals,
      ...tests.refusals,
      ...template.refusals ?? [],
    ],
  };
}
