/**
 * What a tensor is called: in a checkpoint of its family, and as PEFT sees the module that it
 * belongs to. Our own paths are Llama's. Knows no shape.
 */
import type { Family } from "./family.ts";

/**
 * The name in a checkpoint of what Llama calls `path`, such as
 * `model.layers.0.self_attn.q_proj.weight`.
 */
export function tensorName({ names, part }: Family, path: string): string {
  const own = names
    ? path.split(".").map((piece) => names[piece] ?? piece).join(".")
    : path;
  return (part?.prefix ?? "") + own;
}

/** What a checkpoint calls its head, also where the embedding takes its place. */
export function headName({ family }: { readonly family: Family }): string {
  return tensorName(family, "lm_head.weight");
}

/**
 * What transformers calls a checkpoint's tensor in memory, which is how PEFT names what it saves.
 */
export function memoryName(name: string): string {
  return name.replace(/^language_model\.model\./, "model.language_model.")
    .replace(/^language_model\./, "");
}

/**
 * The module that a weight belongs to, as transformers has it in memory and PEFT names its
 * adapters; one that an adapter has in full, by PEFT's name for it, belongs where its base's does.
 */
export function modulePath(name: string): string {
  const own = name.replace(/^base_model\.model\./, "");
  return memoryName(own.replace(/\.weight$/, ""));
}
