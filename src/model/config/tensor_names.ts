/**
 * Names of tensors: in a checkpoint of the model's family, and in PEFT's adapters. Inside this
 * program the names of Llama are used. Knows no shape.
 */
import type { Family } from "./family.ts";

/**
 * The name that a family's checkpoint has for Llama's `path`, such as
 * `model.layers.0.self_attn.q_proj.weight`.
 */
export function tensorName({ names, textNames }: Family, path: string): string {
  const familyPath = names
    ? path.split(".").map((piece) => names[piece] ?? piece).join(".")
    : path;
  if (textNames === "outer") return `language_model.${familyPath}`;
  return textNames === "inner"
    ? familyPath.replace(/^model\./, "model.language_model.")
    : familyPath;
}

/** The name of the head in a checkpoint, also if the embedding serves as head. */
export function headName({ family }: { readonly family: Family }): string {
  return tensorName(family, "lm_head.weight");
}

/**
 * The name that transformers gives a checkpoint's tensor in memory, which PEFT uses in its files.
 */
export function memoryName(name: string): string {
  return name.replace(/^language_model\.model\./, "model.language_model.")
    .replace(/^language_model\./, "").replace(/^embed_out\b/, "lm_head");
}

/**
 * The path of the module that a weight belongs to, as PEFT names it in adapters. The copy of a
 * weight in an adapter (PEFT's `base_model.model.` name) has the same path as the base's weight.
 */
export function modulePath(name: string): string {
  const inBase = name.replace(/^base_model\.model\./, "");
  return memoryName(inBase.replace(/\.weight$/, ""));
}
