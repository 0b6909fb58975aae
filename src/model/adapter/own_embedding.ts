/**
 * The embedding and the head that an adapter's file may bring: named by its config as modules of
 * their own, or beside what it names (PEFT's save_embedding_layers), with as many rows as the base
 * has or with others. Says which tensors of the file they are; knows no numbers.
 */
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import { headName, tensorName } from "../config/tensor_names.ts";
import type { ModelConfig } from "../config/config.ts";
import type { Model } from "../decoder/model.ts";
import type { WeightLayout } from "../weights/weight_layout.ts";
import type { AdapterConfig } from "./adapter_config.ts";
import { type AdapterLayout, savedName } from "./adapter_layout.ts";

/** What a file has of embedding and head. */
export interface OwnEmbedding {
  /** The whole modules that the adapter's config names, with the file's numbers of rows. */
  readonly saved: readonly WeightLayout[];
  /** What replaces embedding or head of the base, as PEFT loads it: not an adapter's module. */
  readonly replaced: readonly WeightLayout[];
  /** Names in the file of a second copy of a tied weight, which is not read. */
  readonly copies: readonly string[];
  /** Both names, if one weight of the adapter serves as embedding and as head. */
  readonly tied: readonly string[];
}

/** Finds embedding and head of a file, for a model without or with them tied. */
export function ownEmbedding(
  model: Model,
  config: AdapterConfig,
  { saved }: Pick<AdapterLayout, "saved">,
  reader: TensorReader,
): OwnEmbedding {
  const names = embeddingNames(model);
  const isOwn = ({ name }: WeightLayout) => names.includes(name);
  const found = names.filter((name) => reader.tensors.has(savedName(name)));
  const named = saved.filter(isOwn).map(({ name }) => name);
  const unnamed = found.filter((name) => !named.includes(name));
  const isTied = model.lm_head === model.embed_tokens && !model.score;
  const layout = (name: string): WeightLayout => ({
    name,
    shape: shapeOf(model, reader, name),
  });
  const others = saved.filter((one) => !isOwn(one));
  if (isTied && config.ensure_weight_tying && named.length > 0) {
    const one = found[0] ?? named[0]!;
    return {
      saved: [...others, layout(one)],
      replaced: [],
      copies: found.filter((name) => name !== one),
      tied: names,
    };
  }
  // into one tied weight PEFT loads the embedding first, then the head
  const replaced = isTied ? unnamed.slice(-1) : unnamed;
  return {
    saved: [...others, ...named.map(layout)],
    replaced: replaced.map(layout),
    copies: unnamed.filter((name) => !replaced.includes(name)),
    tied: [],
  };
}

/** The names of embedding and head in a checkpoint; a reward model has no such head. */
export function embeddingNames({ config, score }: Model): string[] {
  const names = vocabularyNames(config);
  return score ? names.slice(0, 1) : [...names];
}

/** The names of embedding and head in a checkpoint of a family. */
export function vocabularyNames(
  config: Pick<ModelConfig, "family">,
): readonly [embedding: string, head: string] {
  const embedding = tensorName(config.family, "model.embed_tokens.weight");
  return [embedding, headName(config)];
}

/** The rows of the embedding or head in an adapter's file; undefined: it has neither. */
export function ownRows(
  config: Pick<ModelConfig, "family">,
  { tensors }: TensorReader,
): number | undefined {
  const found = vocabularyNames(config).map((name) =>
    tensors.get(savedName(name))?.shape[0]
  );
  return found.find((rows) => rows !== undefined);
}

/** The shape of embedding or head, with as many rows as the file has. */
function shapeOf(
  { config: { vocab_size, hidden_size } }: Model,
  { tensors }: TensorReader,
  name: string,
): readonly number[] {
  const [rows = vocab_size] = tensors.get(savedName(name))?.shape ?? [];
  return [rows, hidden_size];
}
