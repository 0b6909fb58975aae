/**
 * The tables of the pages that are made from the code's own tables: losses, shapes of data,
 * trainers, options, tasks and permissions. A page marks the place by `<!-- name:begin -->` and
 * `<!-- name:end -->`.
 */
import { join } from "@std/path";
import { ROOT } from "../sources.ts";
import { optionsTable } from "../../src/base/options_help.ts";
import { DATA_ENDINGS } from "../../src/files/records/data_kinds.ts";
import { DEMONSTRATION_FORMATS } from "../../src/preference/formats/demonstration_formats.ts";
import { FEEDBACK_FORMATS } from "../../src/preference/formats/feedback_formats.ts";
import { PREFERENCE_FORMATS } from "../../src/preference/formats/preference_formats.ts";
import { lossNames, lossRows } from "../../src/training/loss/losses.ts";
import {
  lossesOf,
  methodNames,
  methods,
} from "../../src/training/method/methods.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { modelTable } from "./model_table.ts";
import { withPlaces } from "./places.ts";
import { recipeKeys } from "./recipe_keys_table.ts";
import { servedTable } from "./served_table.ts";
import { TASKS } from "./task_schemas.ts";

/** Options whose values are a table of their own. */
const ELSEWHERE = {
  trainer: {
    meaning: "What is trained on, and with what",
    values: "one of the [trainers](../methods.md)",
  },
  loss_type: {
    meaning: "Loss, or several; null is the trainer's own",
    values: "names of [losses](losses.md), or null",
  },
  dataset_mixture: {
    meaning:
      "Datasets with their own columns, splits and weights, in place of dataset_mixer",
    values: "[an object](../data.md#several-sources), or null",
  },
};

const table = (
  headings: readonly string[],
  rows: readonly (readonly string[])[],
) =>
  [headings, headings.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The losses, by name. */
function lossesTable(): string {
  const link = (source: string) =>
    source.replace(/https:\/\/(\S+\/)?([^\s/,;]+)/g, "[$2](https://$1$2)");
  const rows = lossNames.map((name) => {
    const { help, source } = lossRows[name];
    const trainers = methodNames.filter((one) => lossesOf(one).includes(name));
    return [`\`${name}\``, trainers.join(", "), help, link(source)];
  });
  return table(["Loss", "Trainers", "What", "Source"], rows);
}

/** The JSON of a row as code, words after it as they are. */
function code(looks: string): string {
  const end = looks.lastIndexOf("}") + 1;
  return `\`${looks.slice(0, end)}\`${looks.slice(end)}`;
}

/** The shapes of data, by what they train. */
function formatsTable(): string {
  const kinds = {
    "Pairs": PREFERENCE_FORMATS,
    "Answers with a label": FEEDBACK_FORMATS.slice(
      0,
      -PREFERENCE_FORMATS.length,
    ),
    "Demonstrations": DEMONSTRATION_FORMATS,
  };
  return Object.entries(kinds).map(([kind, formats]) => {
    const rows = formats.map(({ name, looks, from }) => [
      name,
      code(looks),
      from,
    ]);
    return `## ${kind}\n\n${table(["Name", "A row", "From"], rows)}`;
  }).join("\n\n");
}

/** What each trainer takes. */
function trainersTable(): string {
  const rows = methodNames.map((name) => {
    const { help, data, hasReference, loss_type } = methods[name];
    return [
      `\`${name}\``,
      help,
      data,
      hasReference ? "yes" : "no",
      loss_type.map((loss) => `\`${loss}\``).join(", "),
    ];
  });
  return table(
    ["`trainer`", "what it trains on", "data", "reference", "loss by default"],
    rows,
  );
}

/** The tasks, with what they say of themselves. */
function tasksTable(folder: string): string {
  const rows = Object.entries(TASKS).map(([name, { summary }]) => [
    `[${name}](${folder}reference/tasks.md#${name})`,
    summary,
  ]);
  return table(["`deno task`", "what it does"], rows);
}

const ofTrain = new Set<unknown>(Object.values(trainSchema.groups));

/** The words and options of every task; those of `train` have a page. */
function taskOptions(): string {
  return Object.entries(TASKS).map(([name, { summary, schema }]) => {
    const words = schema.positionals.map((one) =>
      `- \`${one.name}\`${
        one.required ? "" : " (may be left out)"
      }: ${one.help}`
    );
    const groups = Object.entries(schema.groups);
    const own = groups.filter(([, group]) => !ofTrain.has(group));
    const shared = own.length < groups.length
      ? "It takes the [options of train](options.md)."
      : "";
    const tables = optionsTable({ groups: Object.fromEntries(own) }).trimEnd();
    return [`## ${name}`, summary, words.join("\n"), shared, tables]
      .filter((part) => part !== "").join("\n\n");
  }).join("\n\n");
}

interface Granted {
  readonly read?: true | readonly string[];
  readonly write?: readonly string[] | true;
  readonly net?: readonly string[];
  readonly env?: readonly string[] | true;
  readonly run?: readonly string[];
}

interface Config {
  readonly tasks: Readonly<Record<string, { readonly command: string }>>;
  readonly permissions: Readonly<Record<string, Granted>>;
}

/** What deno.json grants each task. */
function permissionsTable(): string {
  const config: Config = JSON.parse(
    Deno.readTextFileSync(join(ROOT, "deno.json")),
  );
  const list = (names: readonly string[] | undefined = []) =>
    names.length === 0
      ? "nothing"
      : names.map((name) => `\`${name}\``).join(", ");
  const rows = Object.keys(TASKS).map((name) => {
    const set = /-P=(\w+)/.exec(config.tasks[name]?.command ?? "")?.[1];
    const granted = config.permissions[set ?? name];
    if (granted === undefined || granted.write === true) {
      throw new Error(`Cannot tell what "${name}" may write: no list of it`);
    }
    const { read, write, net, run } = granted;
    const reads = read === true ? "all" : list(read);
    return [`\`${name}\``, reads, ...[write, net, run].map(list)];
  });
  return table(
    ["task", "may read", "may write", "may reach", "may run"],
    rows,
  );
}

/** Page from the root to its tables, by the name of their place. */
export const GENERATED: Readonly<
  Record<string, Readonly<Record<string, () => string | Promise<string>>>>
> = {
  "README.md": { tasks: () => tasksTable("docs/") },
  "docs/methods.md": { trainers: trainersTable },
  "docs/permissions.md": { permissions: permissionsTable },
  "docs/reference/formats.md": {
    endings: () => `${DATA_ENDINGS}.`,
    formats: formatsTable,
  },
  "docs/reference/losses.md": { losses: lossesTable },
  "docs/reference/models.md": { models: modelTable },
  "docs/reference/options.md": {
    options: () =>
      optionsTable(trainSchema, { heading: "##", elsewhere: ELSEWHERE })
        .trimEnd(),
  },
  "docs/reference/recipe_keys.md": { keys: recipeKeys },
  "docs/reference/served.md": { served: servedTable },
  "docs/reference/tasks.md": { tasks: taskOptions },
};

/** The page's text with its tables made anew. */
export async function withTables(page: string, text: string): Promise<string> {
  const tables = Object.entries(GENERATED[page] ?? {});
  const made = await Promise.all(
    tables.map(async ([name, make]) => [name, await make()] as const),
  );
  return withPlaces(page, text, Object.fromEntries(made));
}
