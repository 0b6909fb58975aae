/**
 * What a key of another tool means here, where it stands among options of ours: on the command
 * line, or in a recipe of ours. The tables of the tools say it; knows no key by name.
 */
import { isRecord } from "../../base/composite_option.ts";
import { axolotlRules } from "./axolotl.ts";
import { type RecipeTool, translated } from "./import_recipe.ts";
import { llamaFactoryRules } from "./llama_factory.ts";
import { llamaFactoryV1Rules } from "./llama_factory_v1.ts";
import { mlxLmRules } from "./mlx_lm.ts";
import { msSwiftRules } from "./ms_swift.ts";
import { openInstructRules } from "./open_instruct.ts";
import {
  type Recipe,
  ruleOf,
  type Rules,
  translate,
  type Translated,
  translateKey,
} from "./translation.ts";
import { trlRules } from "./trl.ts";

/** What a key of another tool means here. */
export interface OtherKey {
  /** The tools that have the key, in this meaning. */
  readonly tools: readonly string[];
  /** The options here that say the same. */
  readonly options: Recipe;
  /** Why the key cannot be served, or has no meaning here. */
  readonly reason?: string | undefined;
  /** Whether a run would be another one without the key. */
  readonly isRefused: boolean;
}

interface Tool {
  readonly name: RecipeTool;
  readonly rules: Rules;
  /** What a recipe of the tool has at least. */
  readonly mark: Recipe;
}

const TOOLS: readonly Tool[] = [
  {
    name: "LLaMA-Factory",
    rules: llamaFactoryRules,
    mark: { stage: "dpo", dataset: "rows" },
  },
  {
    name: "LLaMA-Factory",
    rules: llamaFactoryV1Rules,
    mark: { model_class: "llm", model: "model" },
  },
  {
    name: "Axolotl",
    rules: axolotlRules,
    mark: { base_model: "model", datasets: [{ path: "rows" }] },
  },
  { name: "ms-swift", rules: msSwiftRules, mark: { dataset: "rows" } },
  { name: "open-instruct", rules: openInstructRules, mark: {} },
  { name: "mlx-lm", rules: mlxLmRules, mark: { num_layers: -1 } },
  { name: "TRL", rules: trlRules, mark: {} },
];

/**
 * What each tool says of a key: by its rule, or, where the rule leaves the key to others, by what
 * the whole recipe becomes with it and without it.
 */
async function meaningIn(
  { name, rules, mark }: Tool,
  key: string,
  given: Recipe,
): Promise<Omit<OtherKey, "tools">> {
  const recipe = { ...mark, ...given };
  const { refusal, note, options } = translateKey(key, recipe, rules);
  const checked = translate(options ?? {}, {});
  const reason = refusal ?? checked.refusals?.[0]?.reason;
  if (reason !== undefined) return { options: {}, reason, isRefused: true };
  if (Object.keys(checked.options).length > 0) {
    return { options: checked.options, isRefused: true };
  }
  const { [key]: _, ...others } = recipe;
  const whole = (one: Recipe) =>
    translated(name, one, () => Promise.resolve(undefined));
  const before = await whole({ ...mark, ...others });
  const changed = changes(before, await whole(recipe));
  if (Object.keys(changed).length > 0) {
    return { options: changed, isRefused: true };
  }
  return note === undefined
    ? { options: {}, isRefused: false }
    : { options: {}, reason: note, isRefused: false };
}

/** The options that are other ones, or the parts of them that are. */
function changes(before: Translated, after: Translated): Recipe {
  return changedParts(before.options, after.options) as Recipe;
}

function changedParts(before: unknown, after: unknown): unknown {
  if (isRecord(before) && isRecord(after)) {
    const changed = Object.entries(after).filter(([name, value]) =>
      JSON.stringify(before[name]) !== JSON.stringify(value)
    );
    return Object.fromEntries(
      changed.map(([name, value]) => [name, changedParts(before[name], value)]),
    );
  }
  return Array.isArray(before) && Array.isArray(after)
    ? after.map((one, i) => changedParts(before[i], one))
    : after;
}

/** Options say the most, and of two reasons the one that stops a run. */
function weight({ options, reason, isRefused }: Omit<OtherKey, "tools">) {
  if (Object.keys(options).length > 0) return 3;
  return isRefused ? 2 : reason === undefined ? 0 : 1;
}

/**
 * What `key` of `recipe` means here, by the tables of the tools that have it; undefined if none
 * has. Other keys of the recipe count, as they do in the tool.
 */
export async function otherKey(
  key: string,
  recipe: Recipe,
): Promise<OtherKey | undefined> {
  const found = TOOLS.filter(({ rules }) => ruleOf(rules, key) !== undefined);
  const meanings = await Promise.all(
    found.map((tool) => meaningIn(tool, key, recipe)),
  );
  const best = meanings.toSorted((a, b) => weight(b) - weight(a))[0];
  if (best === undefined) return undefined;
  const same = found.filter((_, i) =>
    JSON.stringify(meanings[i]) === JSON.stringify(best)
  );
  const nothing = "it changes nothing here";
  const reason = weight(best) === 0 ? { reason: nothing } : {};
  return { ...best, ...reason, tools: names(same) };
}

function names(tools: readonly Tool[]): string[] {
  return [...new Set(tools.map(({ name }) => name))];
}
