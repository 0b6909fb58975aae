/**
 * Finds the tokens that end an answer, in every place that may name one: generation_config.json,
 * config.json, the tokenizer's EOS, and the text that the chat template puts after an answer. Pure.
 */
import type { ChatTemplate } from "../text/chat_template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** The places that name the end tokens of a model. */
export interface StopSources {
  /** The parsed generation_config.json. */
  readonly generationConfig?: Readonly<Record<string, unknown>> | undefined;
  /** The parsed config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The model's tokenizer, which may have an EOS. */
  readonly tokenizer: Tokenizer;
  /** The chat template, if there is one. */
  readonly template?: ChatTemplate;
}

/** All tokens that end an answer. */
export function stopTokens(
  { generationConfig = {}, config, tokenizer, template }: StopSources,
): ReadonlySet<number> {
  const { eosTokenId } = tokenizer;
  const turnEnd = template && endOfTurn(tokenizer, template);
  return new Set([
    ...idsOf(generationConfig["eos_token_id"]),
    ...idsOf(config["eos_token_id"]),
    ...idsOf(eosTokenId),
    ...idsOf(turnEnd),
  ]);
}

/** The ids of a value that is an id or a list of ids. */
function idsOf(value: unknown): number[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((id) => Number.isInteger(id) && id >= 0);
}

const ANSWER = "This is an answer.";

/**
 * The special token that a template puts after an answer; white space between them is skipped.
 *
 * @throws {RangeError} if the template refuses a question with its answer
 */
export function endOfTurn(
  tokenizer: Tokenizer,
  template: ChatTemplate,
): number | undefined {
  const text = template.render([
    { role: "user", content: "This is a question?" },
    { role: "assistant", content: ANSWER },
  ]);
  const at = text.lastIndexOf(ANSWER);
  if (at < 0) return undefined;
  const [next] = tokenizer.encode(text.slice(at + ANSWER.length).trimStart());
  return next !== undefined && isSpecial(tokenizer, next) ? next : undefined;
}

function isSpecial(tokenizer: Tokenizer, id: number): boolean {
  const shown = tokenizer.decode([id]);
  return shown !== "" &&
    tokenizer.decode([id], { skipSpecialTokens: true }) === "";
}
