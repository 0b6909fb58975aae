/**
 * Answers questions in text: renders the conversation, generates tokens, and decodes them while the
 * answer grows. A model without a chat template continues plain text. Knows no file and no screen.
 */
import type { Model } from "../model/decoder/model.ts";
import {
  type ChatTemplate,
  missingTemplate,
  type RenderOptions,
} from "../text/chat_template.ts";
import type { Message } from "../text/message.ts";
import { createStreamDecoder } from "../text/stream_decoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { generateAll, type Prompted } from "./generate.ts";
import {
  createProcessedSampler,
  type Processing,
  processingOf,
} from "./processed_sampler.ts";
import type { Sampling } from "./sampler.ts";
import { stopTokens } from "./stop_tokens.ts";

/**
 * A model that answers. Two speakers may share one model: the base without its adapters and the
 * tuned model with them.
 */
export interface Speaker {
  /** Heading of its answers, and their key in a file: `base` or `tuned`. */
  readonly name: string;
  /** What makes the tokens. */
  readonly model: Model;
  /** Whether adapters take part. */
  readonly adapters: boolean;
  /** The model's own. */
  readonly tokenizer: Tokenizer;
  /** Without one, prompts are continued as plain text. */
  readonly template?: ChatTemplate;
  /** Tokens that end an answer. */
  readonly stopIds: ReadonlySet<number>;
  /** How its answers differ from what the caller says; default: in nothing. */
  readonly manner?: Manner | undefined;
}

/** What of the ways to answer a model's own files may say. */
export type Manner = Partial<
  Pick<
    AnswerOptions,
    "sampling" | "processing" | "usualNewTokens" | "maxLength"
  >
>;

/** The parts from which a speaker is made. */
export interface SpeakerParts {
  /** Heading of its answers, and their key in a file: `base` or `tuned`. */
  readonly name: string;
  /** What makes the tokens. */
  readonly model: Model;
  /** Whether adapters take part. */
  readonly adapters: boolean;
  /** The tokenizer and the chat template. */
  readonly encoder: {
    /** The model's own. */
    readonly tokenizer: Tokenizer;
    /** Without one, prompts are continued as plain text. */
    readonly template?: ChatTemplate;
  };
  /** The files of the model's folder that name end tokens. */
  readonly files: {
    /** The parsed config.json. */
    readonly config: Readonly<Record<string, unknown>>;
    /** The parsed generation_config.json. */
    readonly generationConfig?: Readonly<Record<string, unknown>>;
  };
  /** How its answers differ from what the caller says; default: in nothing. */
  readonly manner?: Manner | undefined;
}

/** Makes a speaker that stops at every end token that its files, tokenizer or template name. */
export function createSpeaker(
  { name, model, adapters, encoder, files, manner }: SpeakerParts,
): Speaker {
  const { config, generationConfig } = files;
  const stopIds = stopTokens({
    ...encoder,
    config,
    generationConfig,
  });
  return { name, model, adapters, stopIds, manner, ...encoder };
}

/** How answers are made. */
export interface AnswerOptions {
  /** How tokens are drawn from the logits. */
  readonly sampling: Sampling;
  /** What happens to the logits before; default: nothing. */
  readonly processing?: Processing | undefined;
  /** Seed of the draws: the same seed and prompt give the same answer. */
  readonly seed: number;
  /**
   * Most new tokens; null: `usualNewTokens`, or fewer if the model has fewer positions left.
   */
  readonly maxNewTokens: number | null;
  /** Most new tokens where `maxNewTokens` is null; default: `DEFAULT_NEW_TOKENS`. */
  readonly usualNewTokens?: number | undefined;
  /** Most tokens of prompt and answer, where `maxNewTokens` is null; default: not bounded. */
  readonly maxLength?: number | undefined;
  /** Called with each new piece of the text. */
  readonly onText?: ((text: string) => void) | undefined;
  /** Stops with an error when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Most new tokens of an answer, unless the user sets another number. */
export const DEFAULT_NEW_TOKENS = 512;

/**
 * Answers a conversation, or continues plain text.
 *
 * @throws {RangeError} if the prompt and the answer do not fit in the model, or turns are given
 *   without a chat template
 */
export async function answer(
  speaker: Speaker,
  prompt: readonly Message[] | string,
  { onText, seed, ...options }: AnswerOptions,
): Promise<string> {
  const question = { prompt, seed, onText };
  const [text] = await answerAll(speaker, [question], options);
  return text!;
}

/** Tools that may be called, and variables of the chat template. */
export type PromptContext = Pick<RenderOptions, "tools" | "variables">;

/** One of several questions that are answered side by side. */
export interface Question extends Pick<AnswerOptions, "seed" | "onText"> {
  /** Turns, or plain text to continue. */
  readonly prompt: readonly Message[] | string;
  /** What the chat template is told beside the turns. */
  readonly context?: PromptContext | undefined;
  /** Called when the answer is complete. */
  readonly onEnd?: () => void;
}

/** A question and the speaker that answers it. */
export interface SpeakerQuestion extends Question {
  /** The speaker that answers. */
  readonly speaker: Speaker;
}

/**
 * Answers several questions side by side, which is much faster than one after the other.
 *
 * @throws as `answer()`
 */
export async function answerAll(
  speaker: Speaker,
  questions: readonly Question[],
  options: Omit<AnswerOptions, "seed" | "onText">,
): Promise<string[]> {
  const asked = questions.map((question) => ({ ...question, speaker }));
  return await answerEach(asked, options);
}

/**
 * Answers questions by one or several speakers. Speakers that share a model answer side by side: a
 * base and its adapter take hardly longer than one of them.
 *
 * @returns the answers in the order of the questions
 * @throws as `answer()`
 */
export async function answerEach(
  questions: readonly SpeakerQuestion[],
  options: Omit<AnswerOptions, "seed" | "onText">,
): Promise<string[]> {
  const growing = questions.map((asked) => growingAnswer(asked, options));
  const { signal } = options;
  for (const model of new Set(questions.map(({ speaker }) => speaker.model))) {
    const own = growing.filter((_, i) => questions[i]!.speaker.model === model);
    await generateAll(model, own, { signal });
  }
  return growing.map(({ text }) => text());
}

/** Makes a prompt of a question, whose tokens grow to the text of its answer. */
function growingAnswer(
  { speaker, prompt, context, seed, onText = () => {}, onEnd = () => {} }:
    SpeakerQuestion,
  options: Omit<AnswerOptions, "seed" | "onText">,
): Prompted & { readonly text: () => string } {
  const { tokenizer, stopIds, adapters, manner } = speaker;
  const how = { ...options, ...manner };
  const { sampling, processing = processingOf() } = how;
  const promptIds = promptTokens(speaker, prompt, context);
  const maxNewTokens = newTokens(speaker, promptIds.length, how);
  const decoder = createStreamDecoder(tokenizer, { skipSpecialTokens: true });
  const ids = [...promptIds];
  const progress = {
    ids,
    promptLength: promptIds.length,
    maxNewTokens,
    stopIds,
  };
  let text = "";
  const take = (piece: string) => {
    text += piece;
    if (piece !== "") onText(piece);
  };
  return {
    promptIds,
    stopIds,
    adapters,
    maxNewTokens,
    sampler: createProcessedSampler(sampling, seed, processing, progress),
    onToken: (id) => {
      ids.push(id);
      take(decoder.push(id));
    },
    onEnd: () => {
      take(decoder.flush());
      onEnd();
    },
    text: () => text,
  };
}

/** Most new tokens of an answer. @throws {RangeError} if the prompt alone reaches `maxLength` */
function newTokens(
  { model }: Speaker,
  promptLength: number,
  { maxNewTokens, usualNewTokens = DEFAULT_NEW_TOKENS, maxLength }: Pick<
    AnswerOptions,
    "maxNewTokens" | "usualNewTokens" | "maxLength"
  >,
): number {
  if (maxNewTokens !== null) return maxNewTokens;
  const left = model.config.max_position_embeddings - promptLength;
  const most = maxLength === undefined
    ? usualNewTokens
    : maxLength - promptLength;
  if (most > 0) return Math.max(1, Math.min(most, left));
  throw new RangeError(
    `Cannot answer: the prompt has ${promptLength} tokens, and max_length of generation_config.json is ${maxLength} for prompt and answer; set max_new_tokens`,
  );
}

/**
 * The tokens of a prompt: exactly what the chat template renders, or plain text with the usual BOS.
 */
export function promptTokens(
  { tokenizer, template }: Pick<Speaker, "tokenizer" | "template">,
  prompt: readonly Message[] | string,
  context: PromptContext = {},
): number[] {
  if (typeof prompt === "string") {
    return tokenizer.encode(prompt, { addSpecialTokens: true });
  }
  if (template) {
    return tokenizer.encode(
      template.render(prompt, { addGenerationPrompt: true, ...context }),
    );
  }
  throw missingTemplate("answer a conversation");
}
