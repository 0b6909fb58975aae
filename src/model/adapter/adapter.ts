/**
 * Puts LoRA adapters on a model, fresh ones or those of a file, under PEFT's names. How an adapter
 * computes is in src/autograd/lora.ts. Knows PEFT's config keys, but no path.
 */
import { rowSquares } from "../../../kernels/matmul/weight_norms.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { LowRankPair } from "../../autograd/lora.ts";
import type { Vector, Weight } from "../../autograd/parameter.ts";
import { tell } from "../../base/notes.ts";
import { Random } from "../../base/random.ts";
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import { type AdapterConfig, layerAdapter } from "./adapter_config.ts";
import {
  type AdapterLayout,
  adapterLayout,
  adapterName,
  adapterTensors,
  checkAdapter,
  linearPaths,
  magnitudeName,
  savedName,
} from "./adapter_layout.ts";
import {
  adapterPart,
  adapterWeight,
  copyOf,
  frozenGains,
} from "../weights/adapter_parts.ts";
import { loadTensor } from "../weights/load.ts";
import { type Linear, type Model, weights } from "../decoder/model.ts";
import { headName, modulePath } from "../config/tensor_names.ts";
import { buildModel, type WeightLayout } from "../weights/weight_layout.ts";
import { embeddingNames, ownEmbedding, ownRows } from "./own_embedding.ts";
import {
  changedVocabulary,
  readLowRank,
  vocabularyTensors,
} from "./vocabulary_lora.ts";

/**
 * Puts fresh, trained adapters on a model. `b` starts at zero, so that the model's outputs do not
 * change before the first step; `a` starts uniform in ±1/sqrt(in) as in PEFT, or normal. A plain
 * adapter that the model has already stays in place beside the fresh one.
 *
 * @param seed seed of `a`; undefined: `a` is zero too, for models whose outputs do not matter
 * @returns the model with its adapters; the same object, unless the adapter has whole modules
 * @throws {TypeError} naming the modules that the model does not have
 */
export function addAdapter(
  model: Model,
  config: AdapterConfig,
  seed: number | undefined,
): Model {
  const { device } = model;
  checkUnder(model, config);
  const layout = adapterLayout(model, config);
  refuseTraining(layout);
  const copies = copiedParts(model, layout);
  const adapted = withParts(model, copies);
  const random = seed === undefined ? undefined : new Random(seed);
  for (const target of targetsOf(adapted, layout)) {
    const { path, linear, rows, cols } = target;
    const { r } = layerAdapter(config, path);
    const a = firstHalf(config, [r, cols], random);
    attach(adapted, target, config, {
      a: device.upload(a, [r, cols]),
      b: device.upload(new Float32Array(rows * r), [rows, r]),
      m: config.use_dora
        ? rowSquares(device, linear.weight.matrix, { root: true })
        : undefined,
      fixed: fixedPair(model, target, config),
      trained: true,
    });
  }
  return adapted;
}

/**
 * Fails if an adapter that is to be trained has a low-rank change of embedding or head.
 *
 * @throws {TypeError} in one line
 */
function refuseTraining({ vocabulary }: AdapterLayout): void {
  if (vocabulary.length === 0) return;
  const names = vocabulary.map(({ name }) => modulePath(name));
  throw new TypeError(
    `Cannot train LoRA on "${
      names.join('", "')
    }": embedding and head are trained as a whole only, name them in lora_modules_to_save; an adapter that has LoRA there can be used, scored and merged`,
  );
}

/**
 * The fixed product beside a fresh adapter: an earlier adapter, or zeros that PiSSA's start fills
 * in.
 */
function fixedPair(
  { device }: Model,
  { path, rows, cols, linear: { lora } }: Target,
  config: AdapterConfig,
): LowRankPair | undefined {
  if (lora) return lora;
  if (config.init_lora_weights !== "pissa") return undefined;
  const { r, scale } = layerAdapter(config, path);
  const how = { trained: false };
  return {
    a: adapterWeight(device, `${path} fixed A`, device.zeros([r, cols]), how),
    b: adapterWeight(device, `${path} fixed B`, device.zeros([rows, r]), how),
    scale: -scale,
  };
}

/**
 * Fails if the model has an adapter already and a fresh one cannot be put beside it.
 *
 * @throws {TypeError} with a message of one line
 */
function checkUnder(model: Model, config: AdapterConfig): void {
  const under = linearPaths(model).flatMap(([, { lora }]) => lora ?? []);
  if (under.length === 0) return;
  const isPlain = !model.base &&
    under.every(({ dora, fixed }) => !dora && !fixed);
  const { use_dora, init_lora_weights: start } = config;
  if (isPlain && !use_dora && start !== "pissa") return;
  throw new TypeError(
    "Cannot put a new adapter on an adapter: one of them has magnitudes, modules of its own or a start by PiSSA, expected plain ones; merge the first into its base",
  );
}

function firstHalf(
  { init_lora_weights }: AdapterConfig,
  [r, cols]: readonly [number, number],
  random: Random | undefined,
): Float32Array<ArrayBuffer> {
  const a = new Float32Array(r * cols);
  if (!random) return a;
  const bound = 1 / Math.sqrt(cols);
  const draw = init_lora_weights === "gaussian"
    ? () => random.normal() / r
    : () => (2 * random.float() - 1) * bound;
  for (let i = 0; i < a.length; i++) a[i] = draw();
  return a;
}

/**
 * Puts the adapters of a file on a model.
 *
 * @param options `mayLack`: names of whole modules that the file may lack; they start as copies of
 *   the model's own
 * @returns the model with its adapters; the same object, unless the adapter has whole modules
 * @throws {TypeError} naming every tensor that is missing, unknown or misshapen
 */
export async function loadAdapter(
  model: Model,
  config: AdapterConfig,
  reader: TensorReader,
  { trained = false, mayLack = [] }: {
    readonly trained?: boolean;
    readonly mayLack?: readonly string[];
  } = {},
): Promise<Model> {
  const { device } = model;
  const layout = adapterLayout(model, config);
  if (trained) refuseTraining(layout);
  refuseEmbeddingDora(layout, config);
  const lacked = new Set(
    mayLack.filter((name) => !reader.tensors.has(savedName(name))),
  );
  const embedding = ownEmbedding(model, config, layout, reader);
  const { replaced } = embedding;
  const own = embedding.saved.filter(({ name }) => !lacked.has(name));
  const rows = ownRows(model.config, reader) ?? model.config.vocab_size;
  const shape = [rows, model.config.hidden_size];
  const vocabulary = layout.vocabulary.map((one) => ({ ...one, shape }));
  checkAdapter(
    [
      ...adapterTensors({ ...layout, saved: [...own, ...replaced] }, config),
      ...vocabulary.flatMap((one) => vocabularyTensors(one, config)),
    ],
    reader,
    embedding.copies.map(savedName),
  );
  const read = async (name: string, trained: boolean) => {
    const value = await loadTensor(device, reader, savedName(name));
    return adapterPart(device, savedName(name), value, { trained });
  };
  const base = replaced.length === 0
    ? model
    : withReplaced(model, await mapOf(replaced, (name) => read(name, false)));
  const saved = layout.saved.filter(({ name }) => lacked.has(name));
  const parts = new Map([
    ...copiedParts(base, { saved }),
    ...await mapOf(own, (name) => read(name, trained)),
  ]);
  const [one] = embedding.tied.flatMap((name) => parts.get(name) ?? []);
  for (const name of one ? embedding.tied : []) parts.set(name, one!);
  const changed = await changedParts(base, vocabulary, config, reader);
  for (const [name, part] of changed) parts.set(name, part);
  const adapted = withVocabulary(withParts(base, parts));
  for (const target of targetsOf(adapted, layout)) {
    const { path } = target;
    const load = (name: string) => loadTensor(device, reader, name);
    attach(adapted, target, config, {
      a: await load(adapterName(path, "A")),
      b: await load(adapterName(path, "B")),
      m: config.use_dora ? await load(magnitudeName(path)) : undefined,
      trained,
    });
  }
  return adapted;
}

/** PEFT's magnitudes of an embedding belong to its columns, which is not served. */
function refuseEmbeddingDora(
  { vocabulary }: AdapterLayout,
  { use_dora }: AdapterConfig,
): void {
  const [embedding] = vocabulary.filter(({ isEmbedding }) => isEmbedding);
  if (!use_dora || !embedding) return;
  throw new TypeError(
    `Cannot load adapter: it has DoRA's magnitudes on "${
      modulePath(embedding.name)
    }", expected them on linear layers only`,
  );
}

/** Embedding and head with the low-rank changes of a file. */
async function changedParts(
  model: Model,
  vocabulary: AdapterLayout["vocabulary"],
  config: AdapterConfig,
  reader: TensorReader,
): Promise<Map<string, Weight>> {
  const changed = new Map<string, Weight>();
  for (const { name, isEmbedding } of vocabulary) {
    const weight = isEmbedding ? model.embed_tokens : model.lm_head;
    const change = await readLowRank(modulePath(name), config, reader);
    changed.set(
      name,
      await changedVocabulary(model.device, weight, change!),
    );
  }
  return changed;
}

async function mapOf(
  layouts: readonly WeightLayout[],
  read: (name: string) => Promise<Weight | Vector>,
): Promise<Map<string, Weight | Vector>> {
  const parts = new Map<string, Weight | Vector>();
  for (const { name } of layouts) parts.set(name, await read(name));
  return parts;
}

/**
 * A model whose embedding or head a file replaces, with and without adapters, as PEFT loads it. A
 * tied head stays tied. The adapter is saved with them.
 */
function withReplaced(
  model: Model,
  parts: Map<string, Weight | Vector>,
): Model {
  const replaced = [...parts.values()];
  if (model.lm_head === model.embed_tokens && !model.score) {
    for (const name of embeddingNames(model)) parts.set(name, replaced[0]!);
  }
  const { base: _, ...built } = withParts(model, parts);
  return withVocabulary({ ...built, replaced });
}

/**
 * A model whose config has as many tokens as its embedding has rows.
 *
 * @throws {TypeError} if the head has another number of rows
 */
function withVocabulary(model: Model): Model {
  const { config, embed_tokens, lm_head } = model;
  const [rows, outputs] = [embed_tokens.matrix.rows, lm_head.matrix.rows];
  if (rows !== outputs) {
    throw new TypeError(
      `Cannot load adapter: with it the embedding has ${rows} rows and the head ${outputs}, expected as many; the base has ${config.vocab_size}`,
    );
  }
  if (rows === config.vocab_size) return model;
  tell(
    `the adapter has an embedding of ${rows} rows, its base one of ${config.vocab_size}: the adapter's is used`,
  );
  return { ...model, config: { ...config, vocab_size: rows } };
}

type Target = AdapterLayout["targets"][number] & { readonly linear: Linear };

function targetsOf(model: Model, { targets }: AdapterLayout): Target[] {
  const linears = new Map(linearPaths(model));
  return targets.map((target) => ({
    ...target,
    linear: linears.get(target.path)!,
  }));
}

function attach(
  { device }: Model,
  { path, linear }: Target,
  config: AdapterConfig,
  { a, b, m, fixed, trained }: {
    readonly a: Tensor;
    readonly b: Tensor;
    readonly m: Tensor | undefined;
    readonly fixed?: LowRankPair | undefined;
    readonly trained: boolean;
  },
): void {
  const { scale } = layerAdapter(config, path);
  const squares = m && rowSquares(device, linear.weight.matrix);
  const gains = m && squares && !trained
    ? frozenGains(device, linear.weight, { a, b, scale, m, squares })
    : undefined;
  const how = { trained };
  const magnitudes = m && adapterPart(device, magnitudeName(path), m, how);
  linear.lora = {
    a: adapterWeight(device, adapterName(path, "A"), a, how),
    b: adapterWeight(device, adapterName(path, "B"), b, how),
    scale,
    dropout: trained ? config.lora_dropout : 0,
    fixed,
    dora: squares && { m: magnitudes as Vector, squares, gains },
  };
}

/** Makes trained copies of the modules that the adapter has as a whole. */
function copiedParts(
  model: Model,
  { saved }: Pick<AdapterLayout, "saved">,
): Map<string, Weight | Vector> {
  const { device, lm_head } = model;
  const own = new Map(weights(model).map((part) => [part.name, part]));
  return new Map(saved.map(({ name }) => {
    const value = copyOf(device, own.get(name) ?? lm_head);
    const how = { trained: true };
    return [name, adapterPart(device, savedName(name), value, how)];
  }));
}

/**
 * A model in which `parts` replace parts of `base`. With adapters switched off it runs as `base`. A
 * head that was tied to the embedding is no longer tied. Adapters that `base` has stay in place.
 */
function withParts(
  base: Model,
  parts: ReadonlyMap<string, Weight | Vector>,
): Model {
  if (parts.size === 0) return base;
  const own = new Map(weights(base).map((part) => [part.name, part]));
  // embedding and head that a file replaced have their names in that file
  const [embedding, head] = embeddingNames(base);
  own.set(embedding!, base.embed_tokens);
  if (head !== undefined) own.set(head, base.lm_head);
  const part = (name: string) => parts.get(name) ?? own.get(name)!;
  const built = buildModel(base.config, {
    weight: (name) => part(name) as Weight,
    vector: (name) => part(name) as Vector,
  });
  const lm_head = base.score
    ? built.lm_head
    : (parts.get(headName(base.config)) ?? base.lm_head) as Weight;
  const model = { ...base, ...built, lm_head, base };
  const under = new Map(linearPaths(base));
  for (const [path, linear] of linearPaths(model)) {
    const { lora } = under.get(path)!;
    if (lora) linear.lora = lora;
  }
  return model;
}
