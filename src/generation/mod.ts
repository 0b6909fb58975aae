/**
 * Models that answer: opened from a folder with an adapter or without, greedily or by drawing, one
 * question or many side by side, alone or beside another model.
 *
 * ```ts
 * import { openEncoder } from "@tiebreak/tiebreak/data";
 * import { answer, createSpeaker, GREEDY, openModel } from "@tiebreak/tiebreak/generation";
 * import { openDevice } from "@tiebreak/tiebreak/kernels";
 *
 * const name = "model_hub/tiny";
 * using device = await openDevice();
 * const { model, folder } = await openModel(device, name);
 * const { encoder } = await openEncoder({ model_name_or_path: name });
 * const speaker = createSpeaker({ name, model, adapters: false, encoder, files: folder });
 * const question = [{ role: "user", content: "How do I boil an egg?" }];
 * console.log(await answer(speaker, question, { sampling: GREEDY, seed: 0, maxNewTokens: 48 }));
 * ```
 *
 * @module
 */

// models
export {
  openModel,
  openSideBySide,
  putAdapter,
} from "../model/opening/open_model.ts";
export type {
  OnLoad,
  OpenedModel,
  OpenedTuned,
  OpenOptions,
  SideBySide,
} from "../model/opening/open_model.ts";
export type { Model } from "../model/decoder/model.ts";
export type { ExpertConfig } from "../model/config/expert_config.ts";
export type { ModelConfig } from "../model/config/config.ts";
export type { MlpActivation } from "../model/config/family.ts";
export type { Quantization } from "../model/weights/quantization.ts";
export type { QuantizationOptions } from "../model/weights/quantization_options.ts";
export { quantizationOf } from "../model/weights/quantization_options.ts";

// answers
export { answer, answerAll, answerEach, createSpeaker } from "./answer.ts";
export type {
  AnswerOptions,
  Manner,
  PromptContext,
  Question,
  Speaker,
  SpeakerParts,
  SpeakerQuestion,
} from "./answer.ts";
export { askTogether, startConversation } from "./conversation.ts";
export type { AskOptions, Conversation } from "./conversation.ts";
export { type InTurn, inTurn } from "./in_turn.ts";
export { answerRows, readQuestions } from "./prompt_rows.ts";
export type {
  AnswerRowsOptions,
  PromptRow,
  RowQuestion,
} from "./prompt_rows.ts";
export type { LogitsProcessor, Progress } from "./logits_processors.ts";
export type { ProbabilityFilter } from "./probability_filters.ts";
export type { Processing } from "./processed_sampler.ts";
export { GREEDY, type Sampling } from "./sampler.ts";
export { fillSampling, type WantedSampling } from "./sampling_defaults.ts";
