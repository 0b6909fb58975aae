/**
 * Preference -> TokenPair, as TRL 1.13 does it. Nothing is added to what the template renders; plain text gets
 * the tokenizer's own BOS, and the EOS unless it ends with it.
 */
import type { ChatTemplate } from "../text/chat_template.ts";
import type { Message } from "../text/message.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Demonstration, Preference, Turns } from "./preference.ts";
import {
  commonPrefix,
  type TokenPair,
  tokenPair,
  type TokenSequence,
} from "./token_pair.ts";

/** What turns text into tokens. Conversations need a template. */
export interface Encoder {
  /** Text to ids. */
  readonly tokenizer: Tokenizer;
  /** Turns to text. */
  readonly template?: ChatTemplate;
}

/** Tokens, and whether the prompt's own tokens are not how the whole begins. */
export interface Tokenized<T> {
  /** The sequences. */
  readonly tokens: T;
  /** True if a token spans the border of prompt and answer, or the template renders them otherwise together. */
  readonly moved: boolean;
}

type Tools = { readonly tools?: readonly unknown[] };

function templateOf({ template }: Encoder): ChatTemplate {
  if (template !== undefined) return template;
  throw new RangeError(
    "Cannot render conversations: the model has no chat template, name one with chat_template (a file, or chatml, llama3, ...)",
  );
}

interface Context {
  readonly encoder: Encoder;
  readonly tools: Tools;
}

/** A prompt's tokens, made once for both of its answers. */
function encodePrompt(prompt: Turns, { encoder, tools }: Context): number[] {
  const { tokenizer } = encoder;
  if (typeof prompt === "string") {
    return tokenizer.encode(prompt, { addSpecialTokens: true });
  }
  const options = { addGenerationPrompt: true, ...tools };
  return tokenizer.encode(templateOf(encoder).render(prompt, options));
}

/** Where the prompt ends inside the whole: the border is the longest common token prefix. */
function chatSequence(
  prompt: readonly Message[],
  answer: readonly Message[],
  promptIds: readonly number[],
  { encoder, tools }: Context,
): Tokenized<TokenSequence> {
  const whole = templateOf(encoder).render([...prompt, ...answer], tools);
  const ids = encoder.tokenizer.encode(whole);
  const completionStart = commonPrefix(promptIds, ids);
  return {
    tokens: { ids, completionStart },
    moved: completionStart < promptIds.length,
  };
}

function withEos(text: string, { tokenizer }: Encoder): string {
  const eos = tokenizer.eosToken ?? "";
  return text.endsWith(eos) ? text : text + eos;
}

function plainIds(prompt: string, answer: string, encoder: Encoder): number[] {
  return encoder.tokenizer.encode(prompt + withEos(answer, encoder), {
    addSpecialTokens: true,
  });
}

/** TRL cuts by COUNT: the prompt's tokens, then the whole's tokens from that place on, even if they differ before. */
function plainSequence(
  prompt: string,
  answer: string,
  promptIds: readonly number[],
  encoder: Encoder,
): Tokenized<TokenSequence> {
  const whole = plainIds(prompt, answer, encoder);
  const ids = [...promptIds, ...whole.slice(promptIds.length)];
  const moved = commonPrefix(promptIds, whole) < promptIds.length;
  return { tokens: { ids, completionStart: promptIds.length }, moved };
}

function sequence(
  prompt: Turns,
  answer: Turns,
  promptIds: readonly number[],
  context: Context,
): Tokenized<TokenSequence> {
  if (typeof prompt !== "string" && typeof answer !== "string") {
    return chatSequence(prompt, answer, promptIds, context);
  }
  if (typeof prompt === "string" && typeof answer === "string") {
    return plainSequence(prompt, answer, promptIds, context.encoder);
  }
  throw new TypeError(
    "Cannot tokenize a pair: the prompt and its answers must all be turns or all plain text",
  );
}

/**
 * Tokenizes a pair; nothing is cut yet.
 *
 * @throws {RangeError} if the row is a conversation and there is no template, or the template refuses it
 */
export function tokenizePreference(
  preference: Preference,
  encoder: Encoder,
): Tokenized<TokenPair> {
  const { prompt, line, tools } = preference;
  const context = { encoder, tools: tools ? { tools } : {} };
  const promptIds = encodePrompt(prompt, context);
  const chosen = sequence(prompt, preference.chosen, promptIds, context);
  const rejected = sequence(prompt, preference.rejected, promptIds, context);
  return {
    tokens: tokenPair(chosen.tokens, rejected.tokens, line),
    moved: chosen.moved || rejected.moved,
  };
}

/** A demonstration as tokens. */
export interface TokenDemonstration extends TokenSequence {
  /** The line of the file it came from, from 1. */
  readonly line: number;
}

/**
 * Tokenizes a demonstration. Without a prompt every token is trained; else those of the completion.
 *
 * @param completionOnly false trains the prompt's tokens too (TRL's `completion_only_loss`). Default true.
 * @throws {RangeError} as `tokenizePreference` does
 */
export function tokenizeDemonstration(
  demonstration: Demonstration,
  encoder: Encoder,
  { completionOnly = true }: { completionOnly?: boolean } = {},
): Tokenized<TokenDemonstration> {
  const { prompt, completion, line, tools } = demonstration;
  const context = { encoder, tools: tools ? { tools } : {} };
  const promptIds = encodePrompt(prompt, context);
  if (typeof prompt === "string" && typeof completion === "string") {
    const ids = plainIds(prompt, completion, encoder);
    const start = commonPrefix(promptIds, ids);
    const completionStart = completionOnly ? start : 0;
    return {
      tokens: { ids, completionStart, line },
      moved: start < promptIds.length,
    };
  }
  const { tokens, moved } = sequence(prompt, completion, promptIds, context);
  const completionStart = completionOnly ? tokens.completionStart : 0;
  return { tokens: { ids: tokens.ids, completionStart, line }, moved };
}
