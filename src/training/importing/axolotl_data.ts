/**
 * Translates the datasets of an Axolotl recipe. Each has a type, which says what its columns are
 * called and how they are rendered.
 */
import { isRecord } from "../../base/composite_option.ts";
import { present } from "../../base/present.ts";
import { isOff } from "../../base/read_options.ts";
import type { Note, Recipe, Translated } from "./translation.ts";

/**
 * The meaning of a type: the names of its columns where they differ from those here, and the name
 * of a format if the columns alone would be read as another.
 */
interface Kind {
  readonly columns?: Readonly<Record<string, string>>;
  readonly format?: string;
  readonly note?: string;
}

const AS_TURNS = { columns: { instruction: "prompt" } }; // the texts become turns
const ALPACA_NOTE =
  "Axolotl's own words around instructions are not added; the chat template renders the turns";

/** The types by name, without a prefix such as `chatml.` or `llama3.`. */
const KINDS: Readonly<Record<string, Kind>> = {
  intel: {},
  icr: {},
  argilla: {},
  argilla_chat: {},
  prompt_pairs: AS_TURNS,
  ultra: {},
  nectar: {},
  default: {},
  alpaca: { note: ALPACA_NOTE },
  completion: {},
  sharegpt: {},
  chat_template: {},
};

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
};

function fieldColumns(given: Recipe): Record<string, string> {
  const entries = Object.entries(FIELDS).filter(([field, ours]) =>
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
        [String(one), ours] as const
      )
    );
  const turns = present({
    role,
    content,
    roles: roles.length === 0 ? undefined : Object.fromEntries(roles),
  });
  return Object.keys(turns).length === 0 ? undefined : turns;
}

function kindOf(type: unknown): Kind | undefined {
  if (isRecord(type) || type === undefined || type === null) return {};
  const parts = String(type).split(".");
  const last = parts.at(-1) ?? "";
  return KINDS[last] ?? KINDS[parts[0] ?? ""];
}

const UNSERVED: Readonly<Record<string, string>> = {
  shards: "use weight",
  preprocess_shards: "rows are read one after the other",
  roles_to_train: "the assistant's turns are trained",
  train_on_eos: "an answer ends as the template closes it",
  train_on_eot: "an answer ends as the template closes it",
  prompt_format: "texts become turns, which the chat template renders",
  chosen_format: "texts become turns, which the chat template renders",
  rejected_format: "texts become turns, which the chat template renders",
  completion_format: "texts become turns, which the chat template renders",
};

/** Keys of a dataset that change which tokens are trained, and are not served. */
const REFUSED: Readonly<Record<string, string>> = {
  field_thinking: "write the thoughts into the answers",
  template_thinking_key: "write the thoughts into the answers",
  drop_system_message: "leave the system turns out of the file",
  step_separator: "rewards of single steps are not served",
  train_on_last_step_only: "rewards of single steps are not served",
  max_completion_length: "see sequence_len and excess_length_strategy",
};

/** Types whose rows belong to methods that are not served. */
const REFUSED_TYPES = /stepwise_supervised|^ebft|^rwd|grpo/;

/** What of a dataset is not served. */
function refusalsOf(given: Recipe, place: string): Note[] {
  const own = isRecord(given.type) ? { ...given, ...given.type } : given;
  const keys = Object.entries(REFUSED)
    .filter(([key]) => !isOff(own[key] ?? null))
    .map(([key, reason]) => ({ key: `${place}.${key}`, reason }));
  return typeof given.type === "string" && REFUSED_TYPES.test(given.type)
    ? [...keys, { key: `${place}.type`, reason: `${given.type} is not served` }]
    : keys;
}

function dataset(given: Recipe, place: string): [Recipe[], Note[]] {
  const { type } = given;
  const own = isRecord(type) ? { ...given, ...type } : given;
  const kind = kindOf(type);
  const notes = Object.entries(UNSERVED).filter(([key]) =>
    !isOff(own[key] ?? null)
  )
    .map(([key, reason]) => ({ key: `${place}.${key}`, reason }));
  const unknown = `"${
    String(type)
  }" is not known; its columns are told by their keys`;
  const note = kind === undefined ? unknown : kind.note;
  if (note !== undefined) notes.push({ key: `${place}.type`, reason: note });
  const files = [given.data_files].flat();
  const columns = { ...kind?.columns, ...fieldColumns(own) };
  const turns = turnsOf(own);
  const one = (file: unknown) => sourceOf(given, file, { columns, turns });
  return [files.map(one), notes];
}

/** A dataset for `dataset_mixture`: one of its files, or everything at its path. */
function sourceOf(
  given: Recipe,
  file: unknown,
  { columns, turns }: { columns: Recipe; turns: Recipe | undefined },
): Recipe {
  const isFile = /\.\w+$/.test(String(file ?? given.path));
  return {
    id: file ?? given.path,
    ...present({
      config: isFile ? undefined : given.name,
      split: isFile && !String(given.split).includes("[")
        ? undefined
        : given.split ?? undefined,
      columns: Object.keys(columns).length === 0 ? undefined : columns,
      turns,
    }),
  };
}

/** The chat template that the name of a type asks for, unless the recipe names one. */
function templateOf(recipe: Recipe, types: readonly unknown[]): Recipe {
  if ((recipe.chat_template ?? null) !== null) return {};
  const family = types.map((type) => String(type).split(".")[0])
    .find((name) => ["chatml", "llama3", "zephyr"].includes(name ?? ""));
  return family === undefined ? {} : { chat_template: family };
}

/** Translates the datasets of a recipe, and the part that it tests on. */
export function axolotlData(recipe: Recipe): Translated {
  const list = (Array.isArray(recipe.datasets) ? recipe.datasets : [])
    .filter(isRecord);
  const read = list.map((one, i) => dataset(one, `datasets[${i}]`));
  const notes = read.flatMap(([, one]) => one);
  const refusals = list.flatMap((one, i) => refusalsOf(one, `datasets[${i}]`));
  const tests = Array.isArray(recipe.test_datasets) ? recipe.test_datasets : [];
  const first = tests.find(isRecord);
  if (tests.length > 1) {
    const reason = "only the first is taken";
    notes.push({ key: "test_datasets", reason });
  }
  const size = Number(recipe.val_set_size ?? 0);
  const seed = recipe.shuffle_merged_datasets === false
    ? {}
    : { seed: Number(recipe.seed ?? 42) };
  return {
    options: {
      ...templateOf(recipe, list.map(({ type }) => type)),
      ...(list.length === 0 ? {} : {
        dataset_mixture: {
          datasets: read.flatMap(([files]) => files),
          ...(size > 0 ? { test_split_size: size } : {}),
          ...seed,
        },
      }),
      ...(first === undefined ? {} : { eval_dataset: first.path }),
    },
    notes,
    refusals,
  };
}
