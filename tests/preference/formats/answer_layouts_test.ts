/** Layouts of single answers of other tools: demonstrations, and judged answers of an export. */
import { assertEquals, assertThrows } from "@std/assert";
import { DEMONSTRATION_FORMATS } from "../../../src/preference/formats/demonstration_formats.ts";
import { FEEDBACK_FORMATS } from "../../../src/preference/formats/feedback_formats.ts";
import { readRows } from "../../../src/preference/formats/format.ts";
import type { Row } from "../../../src/preference/formats/turns.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const parts = (text: string) => [{ type: "text", value: text }];

const SFT: Readonly<Record<string, Row>> = {
  "ms-swift's conversation": {
    conversation: [{ human: "Hi", assistant: "Yo" }],
  },
  "LLaMA-Factory v1": {
    messages: [
      { role: "user", content: parts("Hi") },
      { role: "assistant", content: parts("Yo") },
    ],
  },
  "PaddleNLP": { src: "Hi", tgt: "Yo" },
  "Vertex": {
    contents: [
      { role: "user", parts: [{ text: "Hi" }] },
      { role: "model", parts: [{ text: "Yo" }] },
    ],
  },
};

for (const [name, row] of Object.entries(SFT)) {
  test({
    ...pure,
    name: `readRows() reads a demonstration in the layout of ${name}`,
    fn() {
      const { examples } = readRows(row, 2, DEMONSTRATION_FORMATS);
      assertEquals<unknown>(examples, [{
        prompt: [user("Hi")],
        completion: [assistant("Yo")],
        line: 2,
      }]);
    },
  });
}

/** An export of Open WebUI: two answers to one question, of which the second was judged. */
const thumb = (rating: unknown): Row => ({
  type: "rating",
  data: { rating, model_id: "m", reason: "" },
  meta: { message_id: "3", chat_id: "c" },
  snapshot: {
    chat: {
      chat: {
        history: {
          currentId: "2",
          messages: {
            "1": { id: "1", parentId: null, role: "user", content: "Hi" },
            "2": { id: "2", parentId: "1", role: "assistant", content: "so" },
            "3": { id: "3", parentId: "1", role: "assistant", content: "Yo" },
          },
        },
      },
    },
  },
});

test({
  ...pure,
  name:
    "readRows() reads Open WebUI's thumbs, each with the branch of its message",
  fn() {
    const judged = (row: Row) => readRows(row, 3, FEEDBACK_FORMATS).examples;
    for (const rating of [1, -1]) {
      assertEquals<unknown>(judged(thumb(rating)), [{
        prompt: [user("Hi")],
        completion: [assistant("Yo")],
        label: rating > 0,
        line: 3,
      }]);
    }
    assertEquals(judged(thumb(null)), []);
    assertThrows(
      () => judged({ ...thumb(1), meta: { message_id: "9" } }),
      TypeError,
      '"snapshot.chat.chat.messages" is nothing',
    );
  },
});

test({
  ...pure,
  name: "readRows() judges no answer of a pair whose answers are the same",
  fn() {
    const judged = (rejected: string) =>
      readRows({ prompt: "q", chosen: "a", rejected }, 3, FEEDBACK_FORMATS)
        .examples.map(({ label }) => label);
    assertEquals([judged("b"), judged("a")], [[true, false], []]);
  },
});
