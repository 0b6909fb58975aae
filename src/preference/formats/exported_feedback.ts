/**
 * Reads the feedback that Open WebUI exports: a thumb up or down for one message, with a snapshot
 * of the whole chat, whose messages are a tree. The prompt is the branch that leads to the message.
 */
import { parsedNumber } from "./row_numbers.ts";
import type { Draft } from "./format.ts";
import { find } from "./layouts.ts";
import type { Feedback } from "./preference.ts";
import { isRow, kindOf, listAt, type Row, turnAt } from "./turns.ts";

const CHAT = "snapshot.chat.chat";

/** The messages of the tree from its root to one of them. */
function branch(messages: Row, id: string): Row[] {
  const found: Row[] = [];
  const seen = new Set<unknown>();
  let at: unknown = id;
  while (typeof at === "string" && !seen.has(at)) {
    seen.add(at);
    const message: unknown = messages[at];
    if (!isRow(message)) break;
    found.unshift(message);
    at = message.parentId;
  }
  return found;
}

/** The messages up to the judged one, from the tree or from the list of the branch in view. */
function judgedMessages(row: Row, id: string): readonly Row[] {
  const tree = find(row, `${CHAT}.history.messages`).value;
  if (isRow(tree) && isRow(tree[id])) return branch(tree, id);
  const { value, name } = find(row, `${CHAT}.messages`);
  const list = listAt(value, name).filter(isRow);
  const end = list.findIndex((message) => message.id === id);
  if (end >= 0) return list.slice(0, end + 1);
  throw new TypeError(
    `"meta.message_id" is "${id}", expected the id of a message in "${CHAT}"`,
  );
}

/** Reads a judged message of an export; a rating that is no thumb gives nothing. */
export function exportedFeedback(row: Row): Draft<Feedback>[] {
  const rating = parsedNumber(find(row, "data.rating").value);
  if (rating === undefined || rating === 0) return [];
  const { value: id } = find(row, "meta.message_id");
  if (typeof id !== "string") {
    throw new TypeError(
      `"meta.message_id" is ${
        kindOf(id)
      }, expected the id of the judged message`,
    );
  }
  const turns = judgedMessages(row, id).map(({ role, content }, i) =>
    turnAt({ role, content }, `${CHAT}.messages[${i}]`)
  );
  return [{
    prompt: turns.slice(0, -1),
    completion: turns.slice(-1),
    label: rating > 0,
  }];
}
