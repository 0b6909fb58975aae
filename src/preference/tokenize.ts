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

/** Where the prompt ends inside the whole: the border is the longest common token prefix. */
function chatSequence(
  prompt: readonly Message[],
  answer: readonly Message[],
  { encoder, tools }: { encoder: Encoder; tools: Tools },
): Tokenized<TokenSequence> {
  const template = templateOf(encoder);
  const opened = template.render(prompt, {
    addGenerationPrompt: true,
    ...tools,
  });
  const whole = template.render([...prompt, ...answer], tools);
  const promptIds = encoder.tokenizer.encode(opened);
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

function plainIds(prompt: string, answer: string, encoder: Encoder) {
  const special = { addSpecialTokens: true };
  const promptIds = encoder.tokenizer.encode(prompt, special);
  return {
    promptIds,
    ids: encoder.tokenizer.encode(prompt + withEos(answer, encoder), special),
  };
}

/** TRL cuts by COUNT: the prompt's tokens, then the whole's tokens from that place on, even if they differ before. */
function plainSequence(
  prompt: string,
  answer: string,
  encoder: Encoder,
): Tokenized<TokenSequence> {
  const { ids: whole, promptIds } = plainIds(prompt, answer, encoder);
  const ids = [...promptIds, ...whole.slice(promptIds.length)];
  const moved = commonPrefix(promptIds, whole) < promptIds.length;
  return { tokens: { ids, completionStart: promptIds.length }, moved };
}

function sequence(
  prompt: Turns,
  answer: Turns,
  context: { encoder: Encoder; tools: Tools },
): Tokenized<TokenSequence> {
  if (typeof prompt !== "string" && typeof answer !== "string") {
    return chatSequence(prompt, answer, context);
  }
  if (typeof prompt === "string" && typeof answer === "string") {
    return plainSequence(prompt, answer, context.encoder);
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
  const chosen = sequence(prompt, preference.chosen, context);
  const rejected = sequence(prompt, preference.rejected, context);
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
  if (typeof prompt === "string" && typeof completion === "string") {
    const { promptIds, ids } = plainIds(prompt, completion, encoder);
    const start = commonPrefix(promptIds, ids);
    const completionStart = completionOnly ? start : 0;
    return {
      tokens: { ids, completionStart, line },
      moved: start < promptIds.length,
    };
  }
  const { tokens, moved } = sequence(prompt, completion, {
    encoder,
    tools: tools ? { tools } : {},
  });
  const completionStart = completionOnly ? tokens.completionStart : 0;
  return { tokens: { ids: tokens.ids, completionStart, line }, moved };
}
