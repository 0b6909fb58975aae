/**
 * Which chat template an Axolotl recipe trains with. A type such as `chatml.intel` writes its own,
 * then a dataset's `chat_template` counts, then the recipe's.
 */
import { own } from "../../base/own.ts";
import { isOff } from "../../base/read_options.ts";
import { kindOf } from "./axolotl_types.ts";
import type { Note, Recipe, Translated } from "./translation.ts";

/** Axolotl's templates that ship here too; for all others the model's own template is used. */
const TEMPLATES: Readonly<Record<string, string | null>> = {
  chatml: "chatml",
  llama3: "llama3",
  gemma: "gemma",
  phi_3: "phi3",
  zephyr: "zephyr",
  mistral_v1: "mistral",
  tokenizer_default: null,
};

/** A template that is asked for: a name or text, null for the model's own. */
interface Wanted {
  readonly template: string | null;
  readonly key: string;
  readonly note?: string;
}

/** What a record's own keys ask for; undefined if they ask for nothing. */
function asked(given: Recipe, place: string): Wanted | undefined {
  const { chat_template: name, chat_template_jinja: text } = given;
  const key = `${place}chat_template`;
  const isText = isOff(name ?? null) || name === "jinja";
  if (isText && typeof text === "string") return { template: text, key };
  if (isOff(name ?? null) || name === "jinja") return undefined;
  const template = own(TEMPLATES, name);
  if (template !== undefined) return { template, key };
  const note = `${JSON.stringify(name)} is not among the templates here, ` +
    "the model's own is used";
  return { template: null, key, note };
}

/** What a dataset asks for, with the recipe's template where it says nothing itself. */
function ofDataset(
  given: Recipe,
  index: number,
  run: Wanted | undefined,
): Wanted {
  const place = `datasets[${index}].`;
  const key = `${place}type`;
  const own = kindOf(given.type)?.template;
  return own === undefined
    ? asked(given, place) ?? run ?? { template: null, key }
    : { template: own, key };
}

const spoken = (template: string | null) =>
  template === null ? "the model's own" : JSON.stringify(template.slice(0, 40));

/** The chat template of a recipe with these datasets. */
export function axolotlTemplate(
  recipe: Recipe,
  datasets: readonly Recipe[],
): Translated {
  const run = asked(recipe, "");
  const each = datasets.map((one, i) => ofDataset(one, i, run));
  const wanted = each.length === 0 ? [run] : each;
  const first = wanted[0];
  const other = wanted.find((one) =>
    one !== undefined && one.template !== first?.template
  );
  const notes: Note[] = [...new Set([run, ...wanted])]
    .flatMap((one) =>
      one?.note === undefined ? [] : [{ key: one.key, reason: one.note }]
    );
  const { chat_template: name, chat_template_jinja: text } = recipe;
  const isPassedOver = run !== undefined && !wanted.includes(run) &&
    run.template !== (first?.template ?? null);
  if (isPassedOver && other === undefined) {
    const reason =
      `the rows are rendered by ${spoken(first?.template ?? null)}` +
      `, as "${first?.key}" says`;
    notes.push({ key: "chat_template", reason });
  }
  if (typeof text === "string" && !isOff(name ?? null) && name !== "jinja") {
    const reason = `chat_template is ${JSON.stringify(name)}, not jinja`;
    notes.push({ key: "chat_template_jinja", reason });
  }
  const refusals = other === undefined ? [] : [{
    key: (other.template === run?.template ? first?.key : other.key) ??
      "chat_template",
    reason: `a run has one chat template, found ${
      spoken(first?.template ?? null)
    } and ${spoken(other.template)}`,
  }];
  const template = first?.template ?? null;
  const options = template === null ? {} : { chat_template: template };
  return { options, notes, refusals };
}
