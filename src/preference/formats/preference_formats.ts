/**
 * The table of formats of preference data: which keys a row has, and how it becomes a Preference.
 * To serve another format, add a row; the most specific formats come first. Votes, ranks and scores
 * are in ranked_formats.ts, checks of the contents in check.ts.
 */
import { type Format, pick } from "./format.ts";
import {
  candidatesInTurn,
  endsWithCandidates,
  sortedResponses,
} from "./judged_in_place.ts";
import { conversationBesideRejected, pair } from "./layouts.ts";
import type { Preference } from "./preference.ts";
import { RANKED_FORMATS } from "./ranked_formats.ts";
import {
  dialogueWithAnswers,
  explicitPrompt,
  implicitPrompt,
  messagesWithTwoValues,
  questionWithAnswers,
  turnsWithAnswers,
  twoDialogues,
  twoOutputs,
} from "./shapes.ts";
import { isDialogue, isRow } from "./turns.ts";

const QUESTION = "instruction|question|query|input";
const CHOSEN = "chosen_response|response_j|response";
const ACCEPTED =
  "accepted|preferred|chosen|positive|better|good|win|y_w|chosen_text|" +
  "chosen_answer|chosen_output|chosen_completion|good_answer|" +
  "preferred_response|preferred_completion|positive_response|better_response";
const REFUSED =
  "rejected|dispreferred|reject|non_preferred|negative|worse|bad|lose|y_l|" +
  "rejected_text|rejected_answer|rejected_output|rejected_completion|" +
  "bad_answer|dispreferred_response|non_preferred_response|" +
  "non_preferred_completion|negative_response|worse_response";
const CHOSEN_TURNS = "chosen_messages|chosen_conversations";
const REJECTED_TURNS = "rejected_messages|rejected_conversations";
const REJECTED = "rejected_response|response_k";

/** UltraFeedback repeats the chosen conversation as `messages`: then they end with an answer. */
function endsWithAnswer(messages: unknown): boolean {
  const last = Array.isArray(messages) ? messages.at(-1) : undefined;
  return isRow(last) && last.role === "assistant";
}

/** The formats of preference data. */
export const PREFERENCE_FORMATS: readonly Format<Preference>[] = [
  ...RANKED_FORMATS,
  {
    name: "Nova",
    keys: ["messages"],
    fits: endsWithCandidates,
    looks:
      '{"system": [{"text": "..."}], "messages": [turns, {"role": "assistant", "candidates": [{"content": [{"text": "..."}], "preferenceLabel": "preferred"}, {..., "preferenceLabel": "non-preferred"}]}]}',
    from: "Amazon Bedrock (Nova)",
    read: candidatesInTurn,
  },
  {
    name: "PaddleNLP",
    keys: ["src", "response", "sort"],
    looks:
      '{"src": ["..."], "tgt": [], "response": [["..."], ["..."]], "sort": [1, 0]}',
    from: "PaddleNLP; the answer with the higher number is better",
    read: sortedResponses,
  },
  {
    name: "CValues",
    keys: ["prompt", "pos_resp", "neg_resp"],
    looks:
      '{"prompt": "...", "pos_resp": "...", "neg_resp": "...", "pos_type": "...", "neg_type": "..."}',
    from: "CValues-Comparison",
    read: questionWithAnswers(["prompt", "pos_resp", "neg_resp"]),
  },
  {
    name: "OpenAI",
    keys: ["input", "preferred_output", "non_preferred_output"],
    looks:
      '{"input": {"messages": [turns], "tools": []}, "preferred_output": [turns], "non_preferred_output": [turns]}',
    from: "OpenAI, Azure, Together, Fireworks",
    read: pair({
      prompt: "input.messages|input",
      chosen: "preferred_output",
      rejected: "non_preferred_output",
      tools: "input.tools",
    }),
  },
  {
    name: "two conversations",
    keys: [CHOSEN_TURNS, REJECTED_TURNS],
    looks:
      '{"chosen_messages": [turns], "rejected_messages": [turns]}, or "chosen_conversations" and "rejected_conversations", both beginning with the prompt',
    from: "LLaMA-Factory v1, torchtune",
    read: pair({ chosen: CHOSEN_TURNS, rejected: REJECTED_TURNS }),
  },
  {
    name: "messages and a rejected answer",
    keys: ["messages", "rejected_response|rejected_messages|rejected"],
    fits: (row) =>
      !("chosen_response" in row) &&
      (!("rejected" in row) ||
        !("chosen" in row) && endsWithAnswer(row.messages)),
    looks:
      '{"messages": [turns], "rejected_response": "..." or [turns]}, or "rejected_messages": [turns], "rejected": "..."; messages end with the chosen answer',
    from: "ms-swift",
    read: conversationBesideRejected,
  },
  {
    name: "edit quality",
    keys: ["context", "good_edited_response", "bad_edited_response"],
    looks:
      '{"context": [turns], "good_edited_response": "...", "bad_edited_response": "..."}',
    from: "HelpSteer3's edit quality",
    read: pair({
      prompt: "context",
      chosen: "good_edited_response",
      rejected: "bad_edited_response",
    }),
  },
  {
    name: "answer and rejected answer",
    keys: [`${QUESTION}|prompt`, "answer|output", "rejected_answer"],
    looks: '{"prompt": "...", "answer": "...", "rejected_answer": "..."}',
    from: "H2O LLM Studio",
    read: pair({
      prompt: `${QUESTION}|prompt`,
      chosen: "answer|output",
      rejected: "rejected_answer",
    }),
  },
  {
    name: "two answers of other names",
    keys: [`${QUESTION}|prompt|messages`, ACCEPTED, REFUSED],
    fits: (row) =>
      !("chosen" in row && "rejected" in row) &&
      [ACCEPTED, REFUSED].every((keys) => typeof pick(row, keys) !== "number"),
    looks:
      '{"input": "...", "accepted": "...", "rejected": "..."}, or "preferred" and "dispreferred", "chosen" and "reject", "positive" and "negative", "better" and "worse", "y_w" and "y_l", and the like',
    from: "Code-Preference-Pairs, and datasets of own names",
    read: pair({
      prompt: `${QUESTION}|prompt|messages`,
      chosen: ACCEPTED,
      rejected: REFUSED,
    }),
  },
  {
    name: "ShareGPT ranking",
    keys: ["conversations", "chosen", "rejected"],
    looks:
      '{"conversations": [{"from": "human", "value": "..."}], "chosen": {"from": "gpt", "value": "..."}, "rejected": {...}}',
    from: "LLaMA-Factory (sharegpt), Axolotl",
    read: (row) => turnsWithAnswers(row, "conversations"),
  },
  {
    name: "messages ranking",
    keys: ["messages", "chosen", "rejected"],
    fits: ({ messages }) => !endsWithAnswer(messages),
    looks: '{"messages": [turns], "chosen": {turn}, "rejected": {turn}}',
    from: "LLaMA-Factory (openai), Axolotl",
    read: (row) => turnsWithAnswers(row, "messages"),
  },
  {
    name: "trajectory",
    from: "UltraInteract",
    keys: ["trajectory", "chosen", "rejected"],
    fits: ({ trajectory }) => Array.isArray(trajectory),
    looks:
      '{"trajectory": [{"from": "user", "value": "..."}], "chosen": "...", "rejected": "..."}',
    read: (row) => turnsWithAnswers(row, "trajectory"),
  },
  {
    name: "context ranking",
    keys: ["context", "chosen", "rejected"],
    fits: ({ context }) => Array.isArray(context),
    looks: '{"context": [turns], "chosen": [turns], "rejected": [turns]}',
    from: "ColossalChat",
    read: (row) => turnsWithAnswers(row, "context"),
  },
  {
    name: "messages with two values",
    keys: ["messages"],
    fits: (row) => !("chosen" in row && "rejected" in row),
    looks:
      '{"messages": [{"role": "user", "value": "..."}, {"role": "assistant", "chosen_value": "...", "rejected_value": "..."}]}',
    from: "this project's first form of data",
    read: messagesWithTwoValues,
  },
  {
    name: "question with two answers",
    keys: [QUESTION, "chosen", "rejected"],
    looks:
      '{"system": "...", "question": "...", "chosen": "...", "rejected": "..."}, or with "instruction" and "input"',
    from: "LLaMA-Factory (alpaca), Orca pairs, Axolotl chatml.intel",
    read: questionWithAnswers([QUESTION, "chosen", "rejected"]),
  },
  {
    name: "question with two responses",
    keys: [`${QUESTION}|prompt`, CHOSEN, REJECTED],
    looks:
      '{"instruction": "...", "chosen_response": "...", "rejected_response": "..."}, or "response" for the chosen one, or "response_j", "response_k"',
    from: "Argilla, NeMo-Aligner, Stack Exchange pairs, ms-swift (query)",
    read: questionWithAnswers([`${QUESTION}|prompt`, CHOSEN, REJECTED]),
  },
  {
    name: "alpaca with two outputs",
    keys: ["instruction", "output"],
    fits: ({ output }) => Array.isArray(output) && output.length === 2,
    looks: '{"instruction": "...", "input": "...", "output": ["good", "bad"]}',
    from: "older rankings of LLaMA-Factory",
    read: twoOutputs,
  },
  {
    name: "HH-RLHF with a prompt",
    keys: ["prompt", "chosen", "rejected"],
    fits: ({ prompt, chosen }) =>
      isDialogue(prompt) && typeof chosen === "string",
    looks:
      '{"prompt": "\\n\\nHuman: ...\\n\\nAssistant:", "chosen": "...", "rejected": "..."}',
    from: "HH-RLHF with its prompt cut off",
    read: dialogueWithAnswers,
  },
  {
    name: "explicit prompt",
    keys: ["prompt", "chosen", "rejected"],
    looks:
      '{"prompt": [turns] or "...", "chosen": [turns] or "...", "rejected": [turns] or "..."}',
    from: "TRL, UltraFeedback binarized, most of the hub",
    read: explicitPrompt,
  },
  {
    name: "HH-RLHF",
    keys: ["chosen", "rejected"],
    fits: ({ chosen, rejected }) => isDialogue(chosen) && isDialogue(rejected),
    looks:
      '{"chosen": "\\n\\nHuman: ...\\n\\nAssistant: ...", "rejected": "..."}',
    from: "HH-RLHF",
    read: twoDialogues,
  },
  {
    name: "implicit prompt",
    keys: ["chosen", "rejected"],
    looks:
      '{"chosen": [turns] or "...", "rejected": [turns] or "..."}, both beginning with the prompt',
    from: "TRL",
    read: implicitPrompt,
  },
];
