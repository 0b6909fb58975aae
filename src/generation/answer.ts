/**
 * Questions to answers in text: renders the conversation, generates, decodes while the answer
 * grows. A model without a chat template goes on with plain text. Knows no file and no screen.
 */
import type { Model } from "../model/decoder/model.ts";
import type { ChatTemplate } from "../text/chat_template.ts";
import type { Message } from "../text/message.ts";
import { createStreamDecoder } from "../text/stream_decoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { generateAll, type Prompted } from "./generate.ts";
import { createSampler, type Sampling } from "./sampler.ts";
import { stopTokens } from "./stop_tokens.ts";

/**
 * A model that answers. Two of them may share one model: the base without its adapters, the tuned
 * one with them.
 */
export interface Speaker {
  /** The heading of its answers, and their key in a file: `base` or `tuned`. */
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
}

/** What makes a speaker of a model. */
export interface SpeakerParts {
  /** `base` or `tuned`. */
  readonly name: string;
  /** What makes the tokens. */
  readonly model: Model;
  /** Whether adapters take part. */
  readonly adapters: boolean;
  /** From text to tokens and back. */
  readonly encoder: {
    /** The model's own. */
    readonly tokenizer: Tokenizer;
    /** Without one, prompts are continued as plain text. */
    readonly template?: ChatTemplate;
  };
  /** What the model's folder says of end tokens. */
  readonly files: {
    /** Parsed config.json. */
    readonly config: Readonly<Record<string, unknown>>;
    /** Parsed generation_config.json. */
    readonly generationConfig?: Readonly<Record<string, unknown>>;
  };
}

/** Makes a speaker that stops at every end token which its files, tokenizer or template name. */
export function createSpeaker(
  { name, model, adapters, encoder, files }: SpeakerParts,
): Speaker {
  const { config, generationConfig } = files;
  const stopIds = stopTokens({
    ...encoder,
    config,
    ...(generationConfig && { generationConfig }),
  });
  return { name, model, adapters, stopIds, ...encoder };
}

/** How to answer. */
export interface AnswerOptions {
  /** How tokens are drawn. */
  readonly sampling: Sampling;
  /** The same seed and prompt give the same answer. */
  readonly seed: number;
  /** Most new tokens; null: `DEFAULT_NEW_TOKENS`, or fewer if no more positions are left. */
  readonly maxNewTokens: number | null;
  /** Told the text as it grows. */
  readonly onText?: (text: string) => void;
  /** Ends the answer with an error once it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** New tokens at most, where the user does not say. */
export const DEFAULT_NEW_TOKENS = 512;

/**
 * Answers a conversation, or continues plain text.
 *
 * @throws {RangeError} if it does not fit in the model, or turns come without a chat template
 */
export async function answer(
  speaker: Speaker,
  prompt: readonly Message[] | string,
  { onText, seed, ...options }: AnswerOptions,
): Promise<string> {
  const question = { prompt, seed, ...(onText && { onText }) };
  const [text] = await answerAll(speaker, [question], options);
  return text!;
}

/** One of several questions that are answered side by side. */
export interface Asked extends Pick<AnswerOptions, "seed" | "onText"> {
  /** Turns, or plain text to continue. */
  readonly prompt: readonly Message[] | string;
  /** Told that the answer is whole. */
  readonly onEnd?: () => void;
}

/** A question and who answers it. */
export interface AskedOf extends Asked {
  /** Who answers. */
  readonly speaker: Speaker;
}

/**
 * Answers several questions side by side: much faster than one after the other.
 *
 * @throws as `answer()`
 */
export async function answerAll(
  speaker: Speaker,
  questions: readonly Asked[],
  options: Omit<AnswerOptions, "seed" | "onText">,
): Promise<string[]> {
  const asked = questions.map((question) => ({ ...question, speaker }));
  return await answerEach(asked, options);
}

/**
 * Answers questions to one or several speakers. Those that share a model answer side by side: a
 * base and its adapter take hardly longer than one of them.
 *
 * @returns the answers in the order of the questions
 * @throws as `answer()`
 */
export async function answerEach(
  questions: readonly AskedOf[],
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

/** A question in tokens, its answer in text that grows. */
function growingAnswer(
  { speaker, prompt, seed, onText = () => {}, onEnd = () => {} }: AskedOf,
  { sampling, maxNewTokens }: Omit<AnswerOptions, "seed" | "onText">,
): Prompted & { readonly text: () => string } {
  const { tokenizer, stopIds, adapters, model } = speaker;
  const promptIds = promptTokens(speaker, prompt);
  const left = model.config.max_position_embeddings - promptIds.length;
  const decoder = createStreamDecoder(tokenizer, { skipSpecialTokens: true });
  let text = "";
  const take = (piece: string) => {
    text += piece;
    if (piece !== "") onText(piece);
  };
  return {
    promptIds,
    stopIds,
    adapters,
    maxNewTokens: maxNewTokens ??
      Math.max(1, Math.min(DEFAULT_NEW_TOKENS, left)),
    sampler: createSampler(sampling, seed),
    onToken: (id) => take(decoder.push(id)),
    onEnd: () => {
      take(decoder.flush());
      onEnd();
    },
    text: () => text,
  };
}

/**
 * The tokens that a model is given: what its template renders and no more, or plain text with the
 * usual BOS.
 */
export function promptTokens(
  { tokenizer, template }: Pick<Speaker, "tokenizer" | "template">,
  prompt: readonly Message[] | string,
): number[] {
  if (typeof prompt === "string") {
    return tokenizer.encode(prompt, { addSpecialTokens: true });
  }
  if (template) {
    return tokenizer.encode(
      template.render(prompt, { addGenerationPrompt: true }),
    );
  }
  throw new RangeError(
    "Cannot answer a conversation: the model has no chat template, name one with chat_template (a file, or chatml, llama3, ...)",
  );
}
