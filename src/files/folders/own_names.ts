/**
 * Looks how a folder's weights name the tensors of a text model that is a part of a larger model:
 * transformers has written them in three ways, whatever the layout of config.json. Knows the
 * beginnings of names only.
 */
import { isJsonObject, type JsonObject } from "../disk/json_file.ts";
import { weightsAhead } from "../safetensors/weights.ts";

/**
 * The config with the key `_text_names`: "outer" if names begin with `language_model.`, "inner" if
 * with `model.language_model.`, "plain" if with neither although the config has other parts.
 * Weights that are missing or damaged are left to whoever loads them.
 */
export async function configByNames(
  path: string,
  config: JsonObject,
): Promise<JsonObject> {
  const weights = await weightsAhead(path);
  if (!weights) return config;
  const names = [...weights.tensors.keys()];
  const has = (beginning: string) =>
    names.some((name) => name.startsWith(beginning));
  const found = has("language_model.model.")
    ? "outer"
    : has("model.language_model.")
    ? "inner"
    : isJsonObject(config["vision_config"]) && has("model.layers.")
    ? "plain"
    : undefined;
  return found === undefined ? config : { ...config, _text_names: found };
}
