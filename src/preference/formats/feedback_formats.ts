/**
 * The table of formats of judged answers (KTO): which keys a row has, and how it becomes Feedback.
 * Pairs in any format serve too: their chosen answer counts as good, the rejected one as bad. To
 * serve another format, add a row.
 */
import { worded } from "../../base/shown.ts";
import {
  ANSWER,
  lastTurn,
  promptAndCompletion,
  QUESTION,
  questionAndAnswer,
} from "./demonstration_formats.ts";
import { type Draft, type Format, pick } from "./format.ts";
import { exportedFeedback } from "./exported_feedback.ts";
import type { Demonstration, Feedback, Preference } from "./preference.ts";
import { PREFERENCE_FORMATS } from "./preference_formats.ts";
import type { Row } from "./turns.ts";

const LABEL = "label|kto_tag";

/** @throws {TypeError} unless the label is true or false, or 1 or 0 */
function labelOf(row: Row): boolean {
  const value = pick(row, LABEL);
  const word = worded(value).toLowerCase();
  if (["true", "1"].includes(word)) return true;
  if (["false", "0"].includes(word)) return false;
  const key = "label" in row ? "label" : "kto_tag";
  throw new TypeError(
    `"${key}" is ${JSON.stringify(value)}, expected true or false`,
  );
}

function judged(
  read: (row: Row) => Draft<Demonstration>,
): (row: Row) => Draft<Feedback> {
  return (row) => ({ ...read(row), label: labelOf(row) });
}

/** Reads a pair as two judged answers. */
function unpaired(format: Format<Preference>): Format<Feedback> {
  return {
    ...format,
    read(row, ranking) {
      const drafts = format.read(row, ranking);
      const pairs = Array.isArray(drafts) ? drafts : [drafts];
      const judged = pairs.flatMap(({ prompt, chosen, rejected, tools }) => {
        // the same answer would be taught and untaught
        if (JSON.stringify(chosen) === JSON.stringify(rejected)) return [];
        const shared = { prompt, ...(tools === undefined ? {} : { tools }) };
        return [
          { ...shared, completion: chosen, label: true },
          { ...shared, completion: rejected, label: false },
        ];
      });
      // an answer that is in several pairs of the row is judged once
      return [
        ...new Map(judged.map((one) => [JSON.stringify(one), one])).values(),
      ];
    },
  };
}

/** The formats of judged answers. */
export const FEEDBACK_FORMATS: readonly Format<Feedback>[] = [
  {
    name: "prompt, completion and label",
    keys: ["prompt", "completion", LABEL],
    looks:
      '{"prompt": [turns] or "...", "completion": [turns] or "...", "label": true}',
    from: "TRL, LLaMA-Factory",
    read: judged(promptAndCompletion),
  },
  {
    name: "messages and label",
    keys: ["messages", LABEL],
    looks: '{"messages": [turns], "label": true}, the last turn being judged',
    from: "ms-swift, LLaMA-Factory (openai)",
    read: judged((row) => lastTurn(row, "messages")),
  },
  {
    name: "ShareGPT and label",
    keys: ["conversations", LABEL],
    looks:
      '{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}], "kto_tag": true}',
    from: "LLaMA-Factory (sharegpt)",
    read: judged((row) => lastTurn(row, "conversations")),
  },
  {
    name: "whole completion and label",
    keys: ["completion", LABEL],
    fits: ({ prompt, completion }) =>
      prompt === undefined && Array.isArray(completion),
    looks: '{"completion": [turns], "label": true}, beginning with the prompt',
    from: "Axolotl chatml.argilla_chat",
    read: judged((row) => lastTurn(row, "completion")),
  },
  {
    name: "question, answer and label",
    keys: [QUESTION, ANSWER, LABEL],
    looks: '{"instruction": "...", "output": "...", "kto_tag": false}',
    from: "LLaMA-Factory (alpaca), Axolotl",
    read: judged(questionAndAnswer),
  },
  {
    name: "Open WebUI",
    keys: ["data", "meta", "snapshot"],
    looks:
      '{"data": {"rating": 1}, "meta": {"message_id": "..."}, "snapshot": {"chat": {...}}}',
    from: "the feedback export of Open WebUI",
    read: exportedFeedback,
  },
  ...PREFERENCE_FORMATS.map(unpaired),
];
