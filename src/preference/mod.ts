/**
 * From files to tokens: rows of a dataset in any of the known formats, chat templates, tokenizers,
 * and an account of what was kept.
 *
 * ```ts
 * import { loadPairs, openEncoder } from "@tiebreak/tiebreak/data";
 *
 * const { encoder } = await openEncoder({ model_name_or_path: "model_hub/tiny" });
 * const sources = [{ path: "data/tiny/dpo/test.jsonl" }];
 * const { examples, report } = await loadPairs(sources, { encoder, split: "test" });
 * console.log(`${report.kept} of ${report.rows} rows`);
 * const { chosen, sharedLength } = examples[0]!;
 * console.log(`the first pair has ${sharedLength} tokens that both answers continue`);
 * console.log(encoder.tokenizer.decode(chosen.ids.slice(chosen.completionStart)));
 * ```
 *
 * @module
 */

// files: rows of data, and a model's folder
export { readRecords } from "../files/records/records.ts";
export type { FileRecord, Wanted } from "../files/records/data_record.ts";
export type { JsonObject } from "../files/disk/json_file.ts";
export { openModelFolder } from "../files/folders/model_folder.ts";
export type {
  ModelFiles,
  ModelFolder,
  TokenizerFiles,
} from "../files/folders/model_folder.ts";
export type { ChatTemplates } from "../files/folders/chat_templates.ts";
export type { TunedFolder } from "../files/folders/tuned_folder.ts";
export type { Dtype } from "../files/safetensors/dtype.ts";
export type {
  TensorChunk,
  TensorReader,
} from "../files/safetensors/safetensors.ts";
export type {
  ReadCodes,
  StoredCodes,
  StoredNesting,
} from "../files/safetensors/read_codes.ts";
export type { TensorInfo } from "../files/safetensors/safetensors_header.ts";

// text: messages, chat templates, tokenizers
export { createChatTemplate } from "../text/chat_template.ts";
export type {
  ChatTemplate,
  ChatTemplateOptions,
  RenderOptions,
} from "../text/chat_template.ts";
export type { ChatSettings } from "../text/chat_options.ts";
export type { Message } from "../text/message.ts";
export { createTokenizer } from "../text/tokenizer.ts";
export type {
  DecodeOptions,
  EncodeOptions,
  Tokenizer,
  TokenizerJson,
} from "../text/tokenizer.ts";
export { openEncoder } from "./tokens/open_encoder.ts";
export type { EncoderOptions, OpenedEncoder } from "./tokens/open_encoder.ts";
export type { Encoder } from "./tokens/tokenize.ts";

// from rows to tokens, with an account of every row
export { loadDemonstrations, loadFeedback, loadPairs } from "./loading/load.ts";
export type { LoadDataOptions, Loaded } from "./loading/load_options.ts";
export type { Lengths, LoadReport, Tally } from "./loading/load_report.ts";
export type { DataSource } from "./loading/data_source.ts";
export type { Filters } from "./loading/example_kinds.ts";
export type { SourceRow } from "./loading/dataset_rows.ts";
export type { BadRowRule } from "./loading/bad_rows.ts";
export type {
  DrawOptions,
  HeldOut,
  StoppingStrategy,
} from "./loading/sources.ts";
export type { PromptRule } from "./formats/check.ts";
export type { ReadSettings, TurnKeys } from "./formats/format.ts";
export type { PairOfNumbers } from "./formats/preference.ts";
export { type Ranking, RANKINGS } from "./formats/rankings.ts";
export type { Row } from "./formats/turns.ts";
export {
  LENGTH_POLICIES,
  type LengthLimits,
  type LengthPolicy,
} from "./tokens/length.ts";
export type {
  Span,
  TokenDemonstration,
  TokenFeedback,
  TokenPair,
  TokenSequence,
} from "./tokens/token_examples.ts";
export type { TrainedPart } from "./tokens/tokenize.ts";
