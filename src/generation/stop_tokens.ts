/**
 * The tokens that end an answer, from everything that may name one: generation_config.json,
 * config.json, the tokenizer's EOS, and what the chat template puts behind an answer. Pure.
 */
import type { ChatTemplate } from "../text/chat_template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** Where a model says how its answers end. */
export interface StopSources {
  /** Parsed generation_config.json. */
  readonly generationConfig?: Readonly<Record<string, unknown>>;
  /** Parsed config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The model's own; it may name an EOS. */
  readonly tokenizer: Tokenizer;
  /** What renders the turns, if anything does. */
  readonly template?: ChatTemplate;
}

/** Every token that ends an answer. */
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

/** A number, or a list of them. */
function idsOf(value: unknown): number[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((id) => Number.isInteger(id) && id >= 0);
}

const ANSWER = "This is an answer.";

/**
 * The special token that a template puts behind an answer, white space between them aside.
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
