/**
 * Tokenizes examples as TRL 1.13 does. Nothing is added to the text that the chat template renders;
 * plain text gets the tokenizer's BOS, and the EOS unless it ends with it. Nothing is cut here.
 */
import {
  type ChatTemplate,
  missingTemplate,
  type RenderOptions,
} from "../../text/chat_template.ts";
import { commonPrefix } from "../../base/common_prefix.ts";
import { isTrained } from "../formats/check.ts";
import { pastEmptyThink } from "./empty_think.ts";
import { type Unprinted, unprintedParts } from "../../text/unprinted.ts";
import type { Message } from "../../text/message.ts";
import { withSystemTurn } from "./system_turn.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import type {
  Demonstration,
  Feedback,
  Preference,
  RowContext,
  TurnsOrText,
} from "../formats/preference.ts";
import {
  type Span,
  type TokenDemonstration,
  type TokenFeedback,
  type TokenPair,
  tokenPair,
  type TokenSequence,
} from "./token_examples.ts";

export { unprintedFault } from "../../text/unprinted.ts";

/** A tokenizer and a chat template. Conversations need the template; plain text does not. */
export interface Encoder {
  /** Turns text into ids. */
  readonly tokenizer: Tokenizer;
  /** Renders turns as text; absent for models without a chat template. */
  readonly template?: ChatTemplate;
  /** Whether empty blocks of thought before an answer are left out of the loss. */
  readonly ignoreEmptyThink?: boolean | undefined;
  /** System text of a run, for rows that have none. */
  readonly system?: string | undefined;
  /** Hash of tokenizer and template, a part of cache keys; without it nothing is cached. */
  readonly identity?: string;
}

/** Tokens, and whether they begin otherwise than the prompt's own tokens. */
export interface Tokenized<T> {
  /** The sequences of the example. */
  readonly tokens: T;
  /**
   * True if prompt and answer together do not begin with the prompt's own tokens: a token spans the
   * border of both, or the template renders the prompt differently when an answer follows.
   */
  readonly moved: boolean;
  /** What of the conversations the chat template does not print; absent for plain text. */
  readonly unprinted?: readonly Unprinted[];
}

function templateOf({ template }: Encoder): ChatTemplate {
  if (template !== undefined) return template;
  throw missingTemplate("render conversations");
}

/** The encoder, with the tools and variables of a row. */
interface Context {
  readonly encoder: Encoder;
  readonly row: Pick<RenderOptions, "tools" | "variables">;
}

function contextOf(
  { tools, variables }: RowContext,
  encoder: Encoder,
): Context {
  return {
    encoder,
    row: { tools, variables },
  };
}

/** The tokens of a prompt, made once for both of its answers. */
function encodePrompt(
  prompt: TurnsOrText,
  { encoder, row }: Context,
): number[] {
  const { tokenizer } = encoder;
  if (typeof prompt === "string") {
    return tokenizer.encode(prompt, { addSpecialTokens: true });
  }
  const options = { addGenerationPrompt: true, ...row };
  return tokenizer.encode(templateOf(encoder).render(prompt, options));
}

/**
 * Tokenizes turns. The answer begins after the longest common token prefix of the whole and of the
 * prompt alone.
 */
function chatSequence(
  prompt: readonly Message[],
  answer: readonly Message[],
  promptIds: readonly number[],
  { encoder, row }: Context,
): Tokenized<TokenSequence> {
  const template = templateOf(encoder);
  const turns = [...prompt, ...answer];
  const text = template.render(turns, row);
  const ids = encoder.tokenizer.encode(text);
  const start = commonPrefix(promptIds, ids);
  const answerFrom = prompt.length;
  return {
    tokens: { ids, completionStart: trainedFrom(text, ids, encoder)(start) },
    moved: start < promptIds.length,
    unprinted: unprintedParts(template, turns, { ...row, text, answerFrom }),
  };
}

/** Where a span is trained from that begins at a token: there, or after an empty thought. */
function trainedFrom(
  text: string,
  ids: readonly number[],
  { tokenizer, ignoreEmptyThink = false }: Encoder,
): (start: number) => number {
  return ignoreEmptyThink
    ? pastEmptyThink(text, ids, tokenizer)
    : (start) => start;
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

/**
 * Tokenizes plain text. As in TRL the answer begins after as many tokens as the prompt alone has,
 * even if the whole begins with other tokens.
 */
function plainSequence(
  prompt: string,
  answer: string,
  promptIds: readonly number[],
  encoder: Encoder,
): Tokenized<TokenSequence> {
  const wholeIds = plainIds(prompt, answer, encoder);
  const ids = [...promptIds, ...wholeIds.slice(promptIds.length)];
  const moved = commonPrefix(promptIds, wholeIds) < promptIds.length;
  return { tokens: { ids, completionStart: promptIds.length }, moved };
}

function sequence(
  prompt: TurnsOrText,
  answer: TurnsOrText,
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
 * Tokenizes a pair.
 *
 * @throws {RangeError} if the row is a conversation and the model has no template, or the template
 *   refuses the row
 */
export function tokenizePreference(
  preference: Preference,
  encoder: Encoder,
): Tokenized<TokenPair> {
  const { prompt, line, ...answers } = withSystemTurn(
    preference,
    encoder.system,
  );
  const context = contextOf(preference, encoder);
  const promptIds = encodePrompt(prompt, context);
  const chosen = sequence(prompt, answers.chosen, promptIds, context);
  const rejected = sequence(prompt, answers.rejected, promptIds, context);
  return {
    tokens: tokenPair(chosen.tokens, rejected.tokens, line, preference),
    moved: chosen.moved || rejected.moved,
    unprinted: [...chosen.unprinted ?? [], ...rejected.unprinted ?? []],
  };
}

/**
 * Tokenizes a judged answer.
 *
 * @throws {RangeError} as `tokenizePreference` does
 */
export function tokenizeFeedback(
  feedback: Feedback,
  encoder: Encoder,
): Tokenized<TokenFeedback> {
  const { prompt, completion, label, line } = withSystemTurn(
    feedback,
    encoder.system,
  );
  const context = contextOf(feedback, encoder);
  const promptIds = encodePrompt(prompt, context);
  const { tokens, ...rest } = sequence(prompt, completion, promptIds, context);
  return { tokens: { sequence: tokens, label, line }, ...rest };
}

/** Which tokens of a demonstration are trained. */
export interface TrainedPart {
  /** False: the prompt's tokens are trained too (TRL's `completion_only_loss`). Default true. */
  readonly completionOnly?: boolean | undefined;
  /**
   * True: every answer of a conversation is trained, not the last alone (TRL's
   * `assistant_only_loss`). The answers are what the template marks by `{% generation %}`, or
   * without marks each turn of the assistant. Default false.
   */
  readonly assistantOnly?: boolean;
}

/**
 * The token spans that the template marks as the assistant's; undefined without marks. A token that
 * reaches over the end of a span belongs to the span.
 */
function markedSpans(
  turns: readonly Message[],
  ids: readonly number[],
  { encoder, row }: Context,
): Span[] | undefined {
  const template = templateOf(encoder);
  const places = template.generated(turns, row);
  if (places === undefined) return undefined;
  const text = template.render(turns, row);
  const tokensTo = (end: number) =>
    encoder.tokenizer.encode(text.slice(0, end));
  return places.flatMap(([from, to]): Span[] => {
    const start = commonPrefix(tokensTo(from), ids);
    const idsToEnd = tokensTo(to);
    const common = commonPrefix(idsToEnd, ids);
    const end = common < idsToEnd.length ? common + 1 : common;
    return start < end ? [[start, end]] : [];
  });
}

/**
 * The token spans of the assistant's turns, each up to the text with which the template ends it.
 */
function assistantSpans(
  turns: readonly Message[],
  ids: readonly number[],
  { encoder, row }: Context,
): Span[] {
  const template = templateOf(encoder);
  const place = (text: string) =>
    commonPrefix(encoder.tokenizer.encode(text), ids);
  return turns.flatMap((turn, i): Span[] => {
    if (turn.role !== "assistant" || i === 0 || !isTrained(turn)) return [];
    const options = { addGenerationPrompt: true, ...row };
    const start = place(template.render(turns.slice(0, i), options));
    const isLast = i === turns.length - 1;
    const end = isLast
      ? ids.length
      : place(template.render(turns.slice(0, i + 1), row));
    return start < end ? [[start, end]] : [];
  });
}

/**
 * Tokenizes a demonstration. The tokens of its completion are trained, or all if it has no prompt.
 *
 * @throws {RangeError} as `tokenizePreference` does
 */
export function tokenizeDemonstration(
  demonstration: Demonstration,
  encoder: Encoder,
  { completionOnly = true, assistantOnly = false }: TrainedPart = {},
): Tokenized<TokenDemonstration> {
  const { prompt, completion, line } = withSystemTurn(
    demonstration,
    encoder.system,
  );
  const context = contextOf(demonstration, encoder);
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
  const { tokens, ...rest } = sequence(prompt, completion, promptIds, context);
  const { ids } = tokens;
  if (assistantOnly) {
    // a prompt or completion that is text has returned or thrown above
    const turns = [prompt, completion].flat() as readonly Message[];
    const marked = turns.every(isTrained)
      ? markedSpans(turns, ids, context)
      : undefined;
    const from = trainedFrom(
      templateOf(encoder).render(turns, context.row),
      ids,
      encoder,
    );
    const spans = (marked ?? assistantSpans(turns, ids, context)).map((
      [start, end],
    ): Span => [Math.min(from(start), end), end]).filter(([start, end]) =>
      start < end
    );
    const completionStart = spans[0]?.[0] ?? ids.length;
    return { tokens: { ids, completionStart, spans, line }, ...rest };
  }
  const completionStart = completionOnly ? tokens.completionStart : 0;
  return { tokens: { ids, completionStart, line }, ...rest };
}
