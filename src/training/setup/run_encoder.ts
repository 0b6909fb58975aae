/**
 * Opens the tokenizer and the chat template of a run: those of its model, or of the adapter that it
 * goes on from. Needs no device.
 */
import { tellOtherBase } from "../../files/folders/named_base.ts";
import {
  findAdapter,
  openNamedAdapter,
} from "../../files/folders/tuned_folder.ts";
import { ownRows } from "../../model/adapter/own_embedding.ts";
import type { ModelConfig } from "../../model/config/config.ts";
import {
  type EncoderOptions,
  type OpenedEncoder,
  openEncoder,
} from "../../preference/tokens/open_encoder.ts";

/** What a run goes on from. */
interface Start {
  /** An adapter's folder or name; null: a new adapter, or none. */
  readonly adapter_name_or_path: string | null;
}

/**
 * Opens the encoder of a run. An adapter that was trained on another base is told.
 *
 * @throws {Error} as `openEncoder()` and `findAdapter()` do
 */
export async function openRunEncoder(
  options: EncoderOptions & Start,
): Promise<OpenedEncoder> {
  const { adapter_name_or_path: name, model_name_or_path: base } = options;
  if (name === null) return await openEncoder(options);
  const adapter = await findAdapter(name);
  await tellOtherBase(adapter, base);
  return await openEncoder({ ...options, adapter });
}

/** The rows of the embedding of a run's model, which may be those of its adapter. */
export async function runVocabSize(
  { adapter_name_or_path: name }: Start,
  config: ModelConfig,
): Promise<number> {
  if (name === null) return config.vocab_size;
  const { weights } = await openNamedAdapter(name);
  return ownRows(config, weights) ?? config.vocab_size;
}
