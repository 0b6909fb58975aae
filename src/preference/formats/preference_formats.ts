/**
 * The table of formats of preference data: which keys a row has, and how it becomes a Preference.
 * To serve another format, add a row; the most specific formats come first. Checks of the contents
 * are in check.ts.
 */
import type { Format } from "./format.ts";
import type { Preference } from "./preference.ts";
import {
  answersWithRanks,
  betterResponse,
  overallPreference,
  preferenceStrength,
  ratedCompletions,
  twoComments,
  votedConversations,
} from "./ranked_shapes.ts";
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
const CHOSEN = "chosen_response|response_j";
const REJECTED = "rejected_response|response_k";

/** UltraFeedback repeats the chosen conversation as `messages`: then they end with an answer. */
function endsWithAnswer(messages: unknown): boolean {
  const last = Array.isArray(messages) ? messages.at(-1) : undefined;
  return isRow(last) && last.role === "assistant";
}

/** The formats of preference data. */
export const PREFERENCE_FORMATS: readonly Format<Preference>[] = [
  {
    name: "CValues",
    keys: ["prompt", "pos_resp", "neg_resp"],
    looks:
      '{"prompt": "...", "pos_resp": "...", "neg_resp": "...", "pos_type": "...", "neg_type": "..."}',
    read: questionWithAnswers(["prompt", "pos_resp", "neg_resp"]),
  },
  {
    name: "Nectar",
    keys: ["prompt", "answers"],
    looks: '{"prompt": "...", "answers": [{"answer": "...", "rank": 1}, ...]}',
    read: answersWithRanks,
  },
  {
    name: "UltraFeedback",
    keys: ["instruction|prompt", "completions"],
    looks:
      '{"instruction": "...", "completions": [{"response": "...", "overall_score": 8}, ...]}',
    read: ratedCompletions,
  },
  {
    name: "SHP",
    keys: ["history", "human_ref_A", "human_ref_B", "labels"],
    looks:
      '{"history": "...", "human_ref_A": "...", "human_ref_B": "...", "labels": 1}',
    read: twoComments,
  },
  {
    name: "SafeRLHF",
    keys: ["prompt", "response_0", "response_1", "better_response_id"],
    looks:
      '{"prompt": "...", "response_0": "...", "response_1": "...", "better_response_id": 1}',
    read: betterResponse,
  },
  {
    name: "HelpSteer",
    keys: ["prompt", "response_1", "response_2", "preference_strength"],
    looks:
      '{"prompt": "...", "response_1": "...", "response_2": "...", "preference_strength": -2}',
    read: preferenceStrength,
  },
  {
    name: "HelpSteer3",
    keys: ["context", "response1", "response2", "overall_preference"],
    looks:
      '{"context": [turns], "response1": "...", "response2": "...", "overall_preference": -2}',
    read: overallPreference,
  },
  {
    name: "arena",
    keys: ["conversation_a", "conversation_b", "winner"],
    looks:
      '{"conversation_a": [turns], "conversation_b": [turns], "winner": "model_a"}',
    read: votedConversations,
  },
  {
    name: "ShareGPT ranking",
    keys: ["conversations", "chosen", "rejected"],
    looks:
      '{"conversations": [{"from": "human", "value": "..."}], "chosen": {"from": "gpt", "value": "..."}, "rejected": {...}}',
    read: (row) => turnsWithAnswers(row, "conversations"),
  },
  {
    name: "messages ranking",
    keys: ["messages", "chosen", "rejected"],
    fits: ({ messages }) => !endsWithAnswer(messages),
    looks: '{"messages": [turns], "chosen": {turn}, "rejected": {turn}}',
    read: (row) => turnsWithAnswers(row, "messages"),
  },
  {
    name: "messages with two values",
    keys: ["messages"],
    fits: (row) => !("chosen" in row && "rejected" in row),
    looks:
      '{"messages": [{"role": "user", "value": "..."}, {"role": "assistant", "chosen_value": "...", "rejected_value": "..."}]}',
    read: messagesWithTwoValues,
  },
  {
    name: "question with two answers",
    keys: [QUESTION, "chosen", "rejected"],
    looks:
      '{"system": "...", "question": "...", "chosen": "...", "rejected": "..."}, or with "instruction" and "input"',
    read: questionWithAnswers([QUESTION, "chosen", "rejected"]),
  },
  {
    name: "question with two responses",
    keys: [`${QUESTION}|prompt`, CHOSEN, REJECTED],
    looks:
      '{"instruction": "...", "chosen_response": "...", "rejected_response": "..."}, or "response_j", "response_k"',
    read: questionWithAnswers([`${QUESTION}|prompt`, CHOSEN, REJECTED]),
  },
  {
    name: "alpaca with two outputs",
    keys: ["instruction", "output"],
    fits: ({ output }) => Array.isArray(output) && output.length === 2,
    looks: '{"instruction": "...", "input": "...", "output": ["good", "bad"]}',
    read: twoOutputs,
  },
  {
    name: "HH-RLHF with a prompt",
    keys: ["prompt", "chosen", "rejected"],
    fits: ({ prompt, chosen }) =>
      isDialogue(prompt) && typeof chosen === "string",
    looks:
      '{"prompt": "\\n\\nHuman: ...\\n\\nAssistant:", "chosen": "...", "rejected": "..."}',
    read: dialogueWithAnswers,
  },
  {
    name: "explicit prompt",
    keys: ["prompt", "chosen", "rejected"],
    looks:
      '{"prompt": [turns] or "...", "chosen": [turns] or "...", "rejected": [turns] or "..."}',
    read: explicitPrompt,
  },
  {
    name: "HH-RLHF",
    keys: ["chosen", "rejected"],
    fits: ({ chosen, rejected }) => isDialogue(chosen) && isDialogue(rejected),
    looks:
      '{"chosen": "\\n\\nHuman: ...\\n\\nAssistant: ...", "rejected": "..."}',
    read: twoDialogues,
  },
  {
    name: "implicit prompt",
    keys: ["chosen", "rejected"],
    looks:
      '{"chosen": [turns] or "...", "rejected": [turns] or "..."}, both beginning with the prompt',
    read: implicitPrompt,
  },
];
