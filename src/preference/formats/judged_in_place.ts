/**
 * Readers of rows whose answers stand in the last turn, each with its judgement, or in a list
 * beside the order of their quality: Amazon Bedrock's Nova and PaddleNLP.
 */
import { worded } from "../../base/shown.ts";
import type { Message } from "../../text/message.ts";
import type { Draft } from "./format.ts";
import type { Demonstration, Preference } from "./preference.ts";
import { userTurn, withSystem } from "./questions.ts";
import { parsedNumber } from "./row_numbers.ts";
import {
  isRow,
  keyList,
  listAt,
  type Row,
  textAt,
  turnAt,
  turnsAt,
} from "./turns.ts";

/** Whether the last turn of `messages` holds candidates. */
export function endsWithCandidates({ messages }: Row): boolean {
  const last = Array.isArray(messages) ? messages.at(-1) : undefined;
  return isRow(last) && Array.isArray(last.candidates);
}

const LABELS = ["preferred", "non-preferred"] as const;

/** Reads `messages` whose last turn has candidates with the labels of Nova. */
export function candidatesInTurn(row: Row): Draft<Preference> {
  const turns = listAt(row.messages, "messages");
  const place = `messages[${turns.length - 1}].candidates`;
  const list = listAt((turns.at(-1) as Row).candidates, place);
  const labels = list.map((one) => isRow(one) ? one.preferenceLabel : one);
  const answer = (label: typeof LABELS[number]): Message[] => {
    const at = labels.indexOf(label);
    if (at < 0 || labels.length !== 2) {
      throw new TypeError(
        `"${place}" has the preferenceLabels ${
          keyList(labels.map(worded))
        }, expected ${keyList(LABELS)}`,
      );
    }
    const { content } = list[at] as Row;
    return [turnAt({ role: "assistant", content }, `${place}[${at}]`)];
  };
  return {
    prompt: withSystem(row, turnsAt(turns.slice(0, -1), "messages")),
    chosen: answer("preferred"),
    rejected: answer("non-preferred"),
  };
}

const texts = (value: unknown, name: string): string[] =>
  typeof value === "string"
    ? [value]
    : listAt(value, name).map((one, i) => textAt(one, `${name}[${i}]`));

/** The rounds of `src` and `tgt`, each a text or a list of texts. */
function rounds(row: Row): Message[] {
  const asked = texts(row.src, "src");
  const said = texts(row.tgt ?? [], "tgt");
  return asked.flatMap((question, i) => {
    const answer = said[i];
    return [
      userTurn(question),
      ...answer === undefined ? [] : [{ role: "assistant", content: answer }],
    ];
  });
}

/** Reads PaddleNLP's `src`, `tgt` and two responses, of which `sort` says which is better. */
export function sortedResponses(row: Row): Draft<Preference>[] {
  const responses = listAt(row.response, "response").map((one, i) => {
    const name = `response[${i}]`;
    const content = texts(one, name);
    if (content.length === 1) {
      return [{ role: "assistant", content: content[0]! }];
    }
    throw new TypeError(
      `"${name}" has ${content.length} texts, expected one: answers of several rounds are not served`,
    );
  });
  const order = listAt(row.sort, "sort").map(parsedNumber);
  const [a, b] = order;
  if (responses.length !== 2 || a === undefined || b === undefined) {
    throw new TypeError(
      `"response" has ${responses.length} answers and "sort" ${order.length} numbers, expected two of each`,
    );
  }
  if (a === b) return [];
  const [first, second] = responses as [Message[], Message[]];
  return [{
    prompt: withSystem(row, rounds(row)),
    chosen: a > b ? first : second,
    rejected: a > b ? second : first,
  }];
}

/** Reads PaddleNLP's `src` and `tgt`, of which the last is the answer. */
export function sourceAndTarget(row: Row): Draft<Demonstration> {
  const turns = withSystem(row, rounds(row));
  return { prompt: turns.slice(0, -1), completion: turns.slice(-1) };
}
