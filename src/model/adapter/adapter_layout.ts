/**
 * Which tensors an adapter has, with PEFT's names and with shapes: A and B of each target layer,
 * magnitudes, and whole modules. Knows no contents of tensors.
 */
import type { TensorReader } from "../../files/safetensors/safetensors.ts";
import { type AdapterConfig, layerAdapter } from "./adapter_config.ts";
import { type Linear, linears, type Model, weights } from "../decoder/model.ts";
import { listed } from "../../base/shown.ts";
import { matchTargets, namesPath } from "./target_modules.ts";
import {
  headName,
  memoryName,
  modulePath,
  tensorName,
} from "../config/tensor_names.ts";
import type { WeightLayout } from "../weights/weight_layout.ts";

/** Linear layers with their paths. */
export type Targets = readonly (readonly [path: string, linear: Linear])[];

/**
 * All linear layers of a model except the head, each with its path, such as
 * `model.layers.0.self_attn.q_proj`.
 */
export function linearPaths(model: Model): Targets {
  return model.layers.flatMap(linears).map((linear) =>
    [modulePath(linear.weight.name), linear] as const
  );
}

/** The name under which PEFT saves A or B of a layer. */
export function adapterName(path: string, half: "A" | "B"): string {
  return `base_model.model.${path}.lora_${half}.weight`;
}

/** The name under which PEFT saves the magnitudes of a layer. */
export function magnitudeName(path: string): string {
  return `base_model.model.${path}.lora_magnitude_vector`;
}

/** The name under which PEFT saves a tensor of a whole module. */
export function savedName(name: string): string {
  return `base_model.model.${memoryName(name)}`;
}

/** The layers of a model that an adapter changes, and the modules that it replaces. */
export interface AdapterLayout {
  readonly targets: readonly {
    readonly path: string;
    /** The number of the layer's outputs. */
    readonly rows: number;
    readonly cols: number;
  }[];
  /** Embedding and head, where the adapter has a low-rank change of them. */
  readonly vocabulary: readonly VocabularyTarget[];
  /** Tensors of the whole modules (`modules_to_save`), by the checkpoint's names. */
  readonly saved: readonly WeightLayout[];
}

/** Embedding or head, to which an adapter has a low-rank change. */
export interface VocabularyTarget extends WeightLayout {
  /** Embeddings have names and an orientation of their own in PEFT. */
  readonly isEmbedding: boolean;
}

/**
 * Finds the layers and modules that a config names.
 *
 * @throws {TypeError} naming the entries of target_modules and modules_to_save that match nothing
 *   in the model
 */
export function adapterLayout(
  model: Model,
  config: AdapterConfig,
): AdapterLayout {
  const { layers_to_transform: layers, exclude_modules: excluded } = config;
  const number = (path: string) => Number(/\.layers\.(\d+)\./.exec(path)?.[1]);
  const all = linearPaths(model)
    .filter(([path]) => layers === null || layers.includes(number(path)));
  const tokens = layers === null ? vocabularyTargets(model) : [];
  const paths = all.map(([path]) => path);
  const others = tokens.map(({ path }) => path);
  const matched = new Set(
    matchTargets(config.target_modules, paths, { ...config, others }),
  );
  const isMeant = (path: string) =>
    matched.has(path) && !(excluded !== null && namesPath(excluded, path));
  const targets = all.filter(([path]) => isMeant(path))
    .map(([path, { weight: { matrix } }]) => ({
      path,
      rows: matrix.rows,
      cols: matrix.cols,
    }));
  const meant = tokens.filter(({ path }) => isMeant(path));
  const isBoth = config.ensure_weight_tying === true && meant.length > 0 &&
    model.lm_head === model.embed_tokens;
  const vocabulary = isBoth ? tokens : meant;
  const saved = savedTensors(model, config);
  const twice = [...targets, ...vocabulary].filter(({ path }) =>
    saved.some(({ name }) => modulePath(name) === path)
  );
  if (twice.length > 0) {
    throw new TypeError(
      `Cannot adapt model: modules_to_save and target_modules both name "${
        twice.map(({ path }) => path).join('", "')
      }", expected one of them`,
    );
  }
  return { targets, vocabulary, saved };
}

/** Embedding and head of a model; a reward model has no such head. */
function vocabularyTargets(
  { config, score }: Model,
): (VocabularyTarget & { readonly path: string })[] {
  const { vocab_size, hidden_size } = config;
  const shape = [vocab_size, hidden_size];
  const embedding = tensorName(config.family, "model.embed_tokens.weight");
  const names = score ? [embedding] : [embedding, headName(config)];
  return names.map((name) => ({
    name,
    path: modulePath(name),
    shape,
    isEmbedding: name === embedding,
  }));
}

/**
 * The tensors of `modules_to_save`. By PEFT's rule a module is meant if its path, or the path of a
 * module around it, ends in a given text.
 */
function savedTensors(
  model: Model,
  { modules_to_save, mayMiss }: AdapterConfig,
): WeightLayout[] {
  const modules = modules_to_save ?? [];
  const { matrix } = model.lm_head;
  const head = {
    name: headName(model.config),
    shape: [matrix.rows, matrix.cols],
  };
  const tensors = weights(model).map((part) => ({
    name: part.name,
    shape: "matrix" in part
      ? [part.matrix.rows, part.matrix.cols]
      : part.tensor.shape,
  }));
  if (!model.score && tensors.every(({ name }) => name !== head.name)) {
    tensors.push(head);
  }
  const isIn = (name: string, module: string) =>
    ancestors(memoryName(name)).some((path) => path.endsWith(module));
  const unmatched = modules.filter((module) =>
    !tensors.some(({ name }) => isIn(name, module))
  );
  if (unmatched.length === 0 || mayMiss) {
    return tensors.filter(({ name }) =>
      modules.some((module) => isIn(name, module))
    );
  }
  throw new TypeError(
    `Cannot adapt model: modules_to_save "${
      unmatched.join('", "')
    }" match no module, expected ends of paths such as "norm", "embed_tokens", "lm_head"`,
  );
}

/** The module of a tensor and all modules around it: `a` and `a.b` for `a.b.weight`. */
function ancestors(name: string): string[] {
  const parts = name.split(".").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("."));
}

/** The tensors of an adapter's file. */
export function adapterTensors(
  { targets, saved }: Pick<AdapterLayout, "targets" | "saved">,
  config: AdapterConfig,
): WeightLayout[] {
  return [
    ...targets.flatMap(({ path, rows, cols }) => {
      const { r } = layerAdapter(config, path);
      return [
        { name: adapterName(path, "A"), shape: [r, cols] },
        { name: adapterName(path, "B"), shape: [rows, r] },
        ...(config.use_dora
          ? [{ name: magnitudeName(path), shape: [rows] }]
          : []),
      ];
    }),
    ...saved.map(({ name, shape }) => ({ name: savedName(name), shape })),
  ];
}

/** What explains shapes that differ in the rank alone; an empty text for others. */
function otherRank(
  wanted: readonly WeightLayout[],
  { tensors }: TensorReader,
): string {
  const ranks = wanted.flatMap(({ name, shape: [r, cols] }) => {
    const found = tensors.get(name)?.shape ?? [];
    const isOther = name.endsWith(".lora_A.weight") && found[1] === cols &&
      found[0] !== r;
    return isOther ? [[r, found[0]] as const] : [];
  });
  const [first] = ranks;
  if (first === undefined) return "";
  const [r, found] = first;
  return ranks.every((one) => one[0] === r && one[1] === found)
    ? `; adapter_config.json gives these layers rank ${r}, their tensors have rank ${found}: it is the config of another adapter, or its "r" was changed`
    : "";
}

/**
 * Fails unless a file has exactly the tensors of an adapter.
 *
 * @param further names of tensors that the file may have, which are not read
 * @throws {TypeError} naming every tensor that is missing, unknown or misshapen
 */
export function checkAdapter(
  wanted: readonly WeightLayout[],
  reader: TensorReader,
  further: readonly string[] = [],
): void {
  const problems = wanted.flatMap(({ name, shape }) => {
    const info = reader.tensors.get(name);
    const expected = shape.join(", ");
    if (!info) {
      return [`tensor "${name}" is missing, expected shape [${expected}]`];
    }
    const found = info.shape.join(", ");
    if (found !== expected) {
      return [
        `tensor "${name}" has shape [${found}], expected [${expected}]`,
      ];
    }
    return ["F32", "F16", "BF16"].includes(info.dtype) ? [] : [
      `tensor "${name}" has type ${info.dtype}, expected F32, F16 or BF16`,
    ];
  });
  const names = new Set([...further, ...wanted.map(({ name }) => name)]);
  for (const name of reader.tensors.keys()) {
    if (!names.has(name)) {
      problems.push(`tensor "${name}" belongs to no adapted layer`);
    }
  }
  if (problems.length === 0) return;
  throw new TypeError(
    `Cannot load "${reader.files.join('", "')}": ${listed(problems)}${
      otherRank(wanted, reader)
    }`,
  );
}
