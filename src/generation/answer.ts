/**
 * Questions to answers in text: renders the conversation, generates, decodes while the answer grows. A model
 * without a chat template goes on with plain text. Knows no file and no screen.
 */
import type { Model } from "../model/model.ts";
import type { ChatTemplate } from "../text/chat_template.ts";
import type { Message } from "../text/message.ts";
import { createStreamDecoder } from "../text/stream_decoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { generate } from "./generate.ts";
import { createSampler, type Sampling } from "./sampler.ts";
import { stopTokens } from "./stop_tokens.ts";

/** A model that answers. Two of them may share one model: the base without its adapters, the tuned one with them. */
export interface Speaker {
  /** The heading of its answers, and their key in a file: `base` or `tuned`. */
  readonly name: string;
  readonly model: Model;
  /** Whether adapters take part. */
  readonly adapters: boolean;
  readonly tokenizer: Tokenizer;
  /** Without one, prompts are continued as plain text. */
  readonly template?: ChatTemplate;
  readonly stopIds: ReadonlySet<number>;
}

/** What makes a speaker of a model. */
export interface SpeakerParts {
  readonly name: string;
  readonly model: Model;
  readonly adapters: boolean;
  readonly encoder: {
    readonly tokenizer: Tokenizer;
    readonly template?: ChatTemplate;
  };
  readonly files: {
    readonly config: Readonly<Record<string, unknown>>;
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
  readonly sampling: Sampling;
  readonly seed: number;
  /** Most new tokens; null: `DEFAULT_NEW_TOKENS`, or fewer if no more positions are left. */
  readonly maxNewTokens: number | null;
  /** Told the text as it grows. */
  readonly onText?: (text: string) => void;
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
  options: AnswerOptions,
): Promise<string> {
  const { model, tokenizer, adapters, stopIds } = speaker;
  const { sampling, seed, onText = () => {}, signal } = options;
  const promptIds = promptTokens(speaker, prompt);
  const left = model.config.max_position_embeddings - promptIds.length;
  const maxNewTokens = options.maxNewTokens ??
    Math.max(1, Math.min(DEFAULT_NEW_TOKENS, left));
  const decoder = createStreamDecoder(tokenizer, { skipSpecialTokens: true });
  let text = "";
  const take = (piece: string) => {
    text += piece;
    if (piece !== "") onText(piece);
  };
  await generate(model, promptIds, {
    maxNewTokens,
    sampler: createSampler(sampling, seed),
    ...{ stopIds, adapters, signal },
    onToken: (id) => take(decoder.push(id)),
  });
  take(decoder.flush());
  return text;
}

/** The tokens that a model is given: what its template renders and no more, or plain text with the usual BOS. */
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
