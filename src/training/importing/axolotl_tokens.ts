/**
 * `special_tokens` and `tokens` of an Axolotl recipe, which change the tokenizer there. They are
 * compared with the tokenizer's own where its folder is here; others would need new rows of the
 * embedding.
 */
import { worded } from "../../base/shown.ts";
import { isRecord } from "../../base/composite_option.ts";
import { isOff } from "../../base/read_options.ts";
import type { ReadJson } from "./llama_factory_data.ts";
import type { Note, Recipe, Translated, Translation } from "./translation.ts";

const NO_NEW = "no tokens are added to the embedding";

/** The tokenizer's tokenizer_config.json; undefined if its folder is not here. */
async function tokenizerConfig(
  recipe: Recipe,
  readJson: ReadJson,
): Promise<Recipe | undefined> {
  const name = worded(recipe.tokenizer_config ?? recipe.base_model ?? "");
  const short = name.split("/").at(-1) ?? name;
  const folders = [name, `model_hub/${name.replace("/", "--")}`];
  for (const folder of [...folders, `model_hub/${short}`]) {
    const found = await readJson(`${folder}/tokenizer_config.json`);
    if (isRecord(found)) return found;
  }
  return undefined;
}

const contentOf = (token: unknown) => isRecord(token) ? token.content : token;

/** The tokens that a tokenizer_config.json has as tokens of their own. */
function addedTokens({ added_tokens_decoder: added }: Recipe): unknown[] {
  return Object.values(isRecord(added) ? added : {}).map(contentOf);
}

/** What is said of a token of a role, such as eos_token; undefined if it is the tokenizer's. */
function roleSaid(
  name: string,
  token: unknown,
  config: Recipe | undefined,
): Translation | undefined {
  if (name === "pad_token") return { note: "batches never hold padding" };
  if (config === undefined) {
    return {
      note:
        "the tokenizer's own is used; where the model's folder is here, the two are compared",
    };
  }
  const own = contentOf(config[name]) ?? null;
  return own === token ? undefined : {
    refusal: `it is ${JSON.stringify(token)}, the tokenizer's is ${
      JSON.stringify(own)
    }: change it in tokenizer_config.json`,
  };
}

/** What is said of tokens that the tokenizer may not have. */
function newSaid(
  given: unknown,
  config: Recipe | undefined,
): Translation | undefined {
  const known = config === undefined ? [] : addedTokens(config);
  const fresh = [given].flat().filter((one) => !known.includes(one));
  return fresh.length === 0
    ? undefined
    : { refusal: `${NO_NEW}, found ${fresh.join(", ")}` };
}

/** Translates the tokens that a recipe names. */
export async function axolotlTokens(
  recipe: Recipe,
  readJson: ReadJson,
): Promise<Translated> {
  const notes: Note[] = [];
  const refusals: Note[] = [];
  const { special_tokens, tokens } = recipe;
  const asked = Object.entries({ special_tokens, tokens })
    .filter(([, given]) => !isOff(given ?? null));
  if (asked.length === 0) return { options: {}, notes };
  const config = await tokenizerConfig(recipe, readJson);
  for (const [key, given] of asked) {
    const roles = isRecord(given)
      ? Object.entries(given).filter(([, token]) => !isOff(token))
      : [["", given] as const];
    const said = roles.map(([name, token]) => ({
      name: name === "" ? "" : `${name}: `,
      ...(Array.isArray(token)
        ? newSaid(token, config)
        : roleSaid(name, token, config)),
    }));
    const add = (list: Note[], word: "note" | "refusal") => {
      const reasons = said.flatMap((one) =>
        one[word] === undefined ? [] : [`${one.name}${one[word]}`]
      );
      if (reasons.length > 0) list.push({ key, reason: reasons.join("; ") });
    };
    add(notes, "note");
    add(refusals, "refusal");
  }
  return { options: {}, notes, refusals };
}
