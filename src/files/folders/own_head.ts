/**
 * Looks whether a folder's weights have a head that differs from the embedding although the config
 * ties the two. As in transformers 5 the head of the file counts then, and the config is read as
 * one that ties nothing. Knows these two tensors only.
 */
import { tell } from "../../base/notes.ts";
import { isJsonObject, type JsonObject } from "../disk/json_file.ts";
import type { TensorReader } from "../safetensors/safetensors.ts";
import { weightsAhead } from "../safetensors/weights.ts";

/** The names that families give to head and embedding; a family may put a prefix before them. */
const HEAD = /(^|\.)lm_head\.weight$|^(output|embed_out)\.weight$/;
const EMBEDDING = /(^|\.)(embed_tokens|embed_in|tok_embeddings)\.weight$/;

/**
 * The config as the weights of its folder want it: with `tie_word_embeddings` false if they have a
 * head of their own. Weights that are missing or damaged are left to whoever loads them.
 */
export async function configByHead(
  path: string,
  config: JsonObject,
): Promise<JsonObject> {
  const parts = Object.entries(config).filter((part): part is [
    string,
    JsonObject,
  ] => isJsonObject(part[1]) && "tie_word_embeddings" in part[1]);
  const said = [config, ...parts.map(([, part]) => part)]
    .map(({ tie_word_embeddings: tied }) => tied);
  // whether an inner config counts differs between families
  if (said.every((tied) => tied === false)) return config;
  const weights = await weightsAhead(path);
  if (!weights || !await hasOwnHead(weights)) return config;
  if (said.includes(true)) {
    tell(
      `"${path}" has a head (lm_head) that differs from the embedding, although tie_word_embeddings is true in its config.json: the head of the file is used, as in transformers 5`,
    );
  }
  const untied = { tie_word_embeddings: false };
  const inner = parts.map(([key, part]) => [key, { ...part, ...untied }]);
  return { ...config, ...untied, ...Object.fromEntries(inner) };
}

async function hasOwnHead(weights: TensorReader): Promise<boolean> {
  const names = [...weights.tensors.keys()];
  const head = names.find((name) => HEAD.test(name));
  const embedding = names.find((name) => EMBEDDING.test(name));
  if (head === undefined || embedding === undefined) return false;
  const [one, other] = [head, embedding].map((name) =>
    weights.tensors.get(name)!
  );
  if (
    one!.dtype !== other!.dtype || one!.shape.join() !== other!.shape.join()
  ) return true;
  const others = weights.chunks(embedding)[Symbol.asyncIterator]();
  try {
    for await (const { bytes } of weights.chunks(head)) {
      const { value } = await others.next();
      if (!isSame(bytes, value.bytes)) return true;
    }
  } finally {
    await others.return?.();
  }
  return false;
}

function isSame(
  one: Uint8Array<ArrayBuffer>,
  other: Uint8Array<ArrayBuffer>,
): boolean {
  return one.length === other.length &&
    one.every((byte, at) => byte === other[at]);
}
