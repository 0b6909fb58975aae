/**
 * The table of model families: how each differs from Llama, told from its row of switches. Knows no
 * size and no file.
 */
import type { Family, ModelPart } from "../../src/model/config/family.ts";
import { FAMILIES } from "../../src/model/config/families.ts";
import { ARCHITECTURES } from "../../src/model/gguf/gguf_architectures.ts";
import { REFERENCE_MODELS } from "../model/reference_names.ts";

/** Checkpoints of the reference whose name does not begin with their `model_type`. */
const MODEL_TYPES: Readonly<Record<string, string>> = {
  "gemma3": "gemma3_text",
  "gemma3-vision": "gemma3",
};

const checked = new Set(
  REFERENCE_MODELS.map((name) => MODEL_TYPES[name] ?? name.split("-")[0]),
);

function biases({ qkvBias, outputBias, mlpBias }: Family): string[] {
  const parts = [[qkvBias, "q, k, v"], [outputBias, "o"], [
    mlpBias,
    "gate, up, down",
  ]] as const;
  const always = parts.filter(([bias]) => bias === true).map(([, of]) => of);
  const llama = ["attention_bias", "mlp_bias"];
  const keys = parts.flatMap(([bias]) =>
    typeof bias === "string" && !llama.includes(bias) ? [`\`${bias}\``] : []
  );
  return [
    ...always.map((of) => `biases of ${of}`),
    ...keys.length === 0 ? [] : [`biases by ${[...new Set(keys)].join(", ")}`],
  ];
}

function norms(family: Family): string[] {
  const { norms, qkNorm, normOffset, normsAfterRope } = family;
  const after = norms.attentionOut !== undefined;
  const before = norms.attentionIn !== undefined;
  const places = after && before
    ? ["norms before and after attention and MLP"]
    : after
    ? ["norms after attention and MLP, none before"]
    : [];
  const heads = {
    none: [],
    head: ["a norm of each query and key head"],
    each_head: ["a norm of each query and key head with weights of its own"],
  };
  const whole = ["a norm of all queries and of all keys"];
  return [
    ...places,
    ...qkNorm === "whole" ? whole : heads[qkNorm],
    ...normKinds[family.normKind ?? "rms"],
    ...normsAfterRope ? ["these norms after the rotation"] : [],
    ...normOffset === 1 ? ["norms multiply by 1 + weight"] : [],
  ];
}

const normKinds = {
  rms: [],
  rms_plain: ["norms without weights"],
  layer: ["layer norms without biases"],
  layer_bias: ["layer norms"],
};

function rotation(family: Family): string[] {
  const { interleavedRope, partialRotary, ropeLayers } = family;
  const layers = {
    all: [],
    no_rope_layers: ["some layers without rotation (`no_rope_layers`)"],
    sliding: ["rotation only in layers with a sliding window"],
    windowed: ["rotation only in layers with a sliding window"],
    position_embedding_type: ["rotation by `position_embedding_type`"],
  };
  return [
    ...family.reversedRope ? ["heads turn the other way"] : [],
    ...interleavedRope ? ["rotated pairs are neighbours"] : [],
    ...partialRotary < 1 ? [`${partialRotary} of a head rotates`] : [],
    ...layers[ropeLayers],
  ];
}

function attention({ slidingWindow, slidingPattern }: Family): string[] {
  if (slidingWindow === "never") return [];
  const every = slidingPattern === undefined
    ? ""
    : typeof slidingPattern === "number"
    ? `, one layer in ${slidingPattern} sees all keys`
    : `, one layer in ${slidingPattern[1]} sees all keys`;
  const when = slidingWindow === "always"
    ? ""
    : " where the config turns it on";
  return [`sliding window${when}${every}`];
}

function experts({ experts }: Family): string[] {
  if (experts === undefined) return [];
  return [
    "a router chooses experts for each token",
    ...experts.shared === undefined ? [] : ["and one expert serves all tokens"],
  ];
}

function layout(family: Family): string[] {
  const { fusedQkv, fusedGateUp, names, part, scales } = family;
  const fused = {
    in_turn: ["one matrix for q, k, v"],
    by_key_head: ["one matrix for q, k, v, by key heads"],
  };
  const { defaults = {} } = family;
  return [
    ..."attn_logit_softcapping" in defaults
      ? ["soft caps of scores and logits"]
      : [],
    ..."rope_local_base_freq" in defaults
      ? ["a rotary base of its own where a window slides"]
      : [],
    ...fusedQkv === false ? [] : fused[fusedQkv],
    ...fusedGateUp ? ["one matrix for gate and up"] : [],
    ...family.hasGate === false ? ["an MLP without a gate"] : [],
    ...family.parallel ? ["attention and MLP side by side"] : [],
    ...family.normsEmbeddings ? ["a norm of the embeddings"] : [],
    ...scales === FAMILIES["llama"]?.scales
      ? []
      : ["factors on embedding, stream or logits"],
    ...names === undefined ? [] : ["tensors have other names"],
    ...part === undefined
      ? []
      : [`the text half of a vision model: ${halves(part)}`],
  ];
}

/** The types that the text half may have. */
function halves({ families }: ModelPart): string {
  return Object.keys(families).map((name) => `\`${name}\``).join(" or ");
}

function comparedWith(name: string, { part }: Family): string {
  if (checked.has(name)) return "transformers";
  if (part !== undefined) return `its text half, as ${halves(part)}`;
  return "its published definition only";
}

/** Every family that is served, a line each. */
export function modelTable(): string {
  const rows = Object.entries(FAMILIES).map(([name, family]) => {
    const differs = [biases, norms, rotation, attention, experts, layout]
      .flatMap((of) => of(family)).join("; ");
    const gguf = name in ARCHITECTURES ? "yes" : "no";
    return `| \`${name}\` | ${differs} | ${gguf} | ${
      comparedWith(name, family)
    } |`;
  });
  return [
    "| `model_type` | what differs from Llama | GGUF | checked against |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}
