/**
 * Finds faults in the contents of examples whose keys and types are right (an empty answer, a wrong
 * last role), and examples from which nothing can be learnt.
 */
import { worded } from "../../base/shown.ts";
import { withoutFloat } from "../../base/json_float.ts";
import type { Message } from "../../text/message.ts";
import { hasValue } from "./read_columns.ts";
import type {
  AskedRow,
  Demonstration,
  Feedback,
  Preference,
  TurnsOrText,
} from "./preference.ts";

/** A turn may have tool calls and no text. */
function isBlank({ content, tool_calls: calls }: Message): boolean {
  return content.trim() === "" && !hasValue(calls);
}

function answerFault(answer: TurnsOrText, name: string): string | undefined {
  if (typeof answer === "string") {
    return answer.trim() === "" ? `"${name}" is empty` : undefined;
  }
  const last = answer.at(-1);
  if (last === undefined) return `"${name}" has no turns`;
  if (last.role !== "assistant") {
    return `"${name}" ends with the role "${last.role}", expected "assistant"`;
  }
  return isBlank(last) ? `"${name}" is empty` : undefined;
}

function promptFault(
  prompt: TurnsOrText,
  answers: readonly TurnsOrText[],
): string | undefined {
  // an empty prompt means that the whole text is learnt
  if (typeof prompt === "string") return undefined;
  const last = prompt.at(-1);
  if (last === undefined) {
    return answers.length > 1
      ? "no_common_prompt: chosen and rejected have no first turn in common, and there is no other prompt"
      : "the prompt has no turns";
  }
  const next = answers.find((answer) =>
    typeof answer !== "string" && answer[0]?.role === "assistant"
  );
  return last.role === "assistant" && next !== undefined
    ? `the prompt ends with the role "assistant", expected "user" or "tool" before an answer`
    : undefined;
}

/** Weights of a turn, 0 for one that is not trained: OpenAI's, and that of LLaMA-Factory v1. */
const WEIGHTS = ["weight", "loss_weight"];
/** Marks of a turn, false for one that is not trained: Axolotl's, and ms-swift's. */
const MARKS = ["train", "loss"];

/** Whether a turn may be trained on, as far as the data excludes turns. */
export function isTrained(turn: Message): boolean {
  return WEIGHTS.every((key) => withoutFloat(turn[key]) !== 0) &&
    MARKS.every((key) => turn[key] !== false);
}

/** A turn is trained on or not; a weight between the two would be dropped without a word. */
function weightFault(turns: TurnsOrText): string | undefined {
  if (typeof turns === "string") return undefined;
  for (const turn of turns) {
    for (const key of WEIGHTS) {
      const weight = withoutFloat(turn[key]);
      if (typeof weight === "number" && weight !== 0 && weight !== 1) {
        return `"${key}" of a turn is ${
          worded(weight)
        }, expected 0 or 1: other weights are not served`;
      }
    }
  }
  return undefined;
}

/**
 * Whether the data excludes every answer of a demonstration from training.
 *
 * @param options `last`: only the last answer is trained at all
 */
export function teachesNothing(
  { prompt, completion }: Demonstration,
  { last }: { readonly last: boolean },
): boolean {
  if (typeof prompt === "string" || typeof completion === "string") {
    return false;
  }
  const turns = last ? completion : [...prompt, ...completion];
  return turns.every((turn) => turn.role !== "assistant" || !isTrained(turn));
}

/** Which examples may be without a prompt. */
export interface PromptRule {
  /** Whether answers to an empty prompt are trained on. Default false: they are refused. */
  readonly allowEmptyPrompt?: boolean | undefined;
}

/** Whether an example has no prompt that its answers could depend on. */
export function hasNoPrompt({ prompt }: AskedRow): boolean {
  return typeof prompt === "string"
    ? prompt.trim() === ""
    : prompt.length > 0 && prompt.every(isBlank);
}

function noPromptFault(
  row: AskedRow,
  { allowEmptyPrompt = false }: PromptRule,
  found: string,
): string | undefined {
  return !allowEmptyPrompt && hasNoPrompt(row)
    ? `${found}; --allow_empty_prompt trains on such rows`
    : undefined;
}

/** What is wrong with a pair, undefined if nothing. */
export function preferenceFault(
  row: Preference,
  rule: PromptRule = {},
): string | undefined {
  const { prompt, chosen, rejected } = row;
  return answerFault(chosen, "chosen") ?? answerFault(rejected, "rejected") ??
    promptFault(prompt, [chosen, rejected]) ??
    noPromptFault(row, rule, NO_COMMON_PROMPT);
}

const NO_COMMON_PROMPT =
  "no_common_prompt: the prompt is empty, or chosen and rejected have no start in common";

/** What is wrong with a judged answer, undefined if nothing. */
export function feedbackFault(
  row: Feedback,
  rule: PromptRule = {},
): string | undefined {
  return demonstrationFault(row) ??
    noPromptFault(row, rule, "the prompt is empty");
}

/** What is wrong with a demonstration, undefined if nothing. */
export function demonstrationFault(
  { prompt, completion }: Demonstration,
): string | undefined {
  return answerFault(completion, "completion") ??
    promptFault(prompt, [completion]) ?? weightFault(prompt) ??
    weightFault(completion);
}

/** Whether both answers are the same, so that the pair teaches nothing. */
export function answersEqual({ chosen, rejected }: Preference): boolean {
  return JSON.stringify(chosen) === JSON.stringify(rejected);
}
