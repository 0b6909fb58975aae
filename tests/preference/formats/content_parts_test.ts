import { assertEquals, assertThrows } from "@std/assert";
import { partsOf } from "../../../src/preference/formats/content_parts.ts";
import { turnAt } from "../../../src/preference/formats/turns.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const CALL = { name: "now", arguments: { zone: "UTC" } };
const tool_calls = [{ type: "function", function: CALL }];

test({
  ...pure,
  name:
    "partsOf() reads texts, reasoning and calls in the forms of several makers",
  fn() {
    const forms = [
      [
        { type: "reasoning", value: "hm" },
        { type: "text", value: "Yes" },
        { type: "tool_call", value: JSON.stringify(CALL) },
      ],
      [
        { type: "thinking", thinking: "hm", signature: "s" },
        { type: "output_text", text: "Y" },
        "es",
        { type: "tool_use", id: "t1", name: "now", input: CALL.arguments },
      ],
    ];
    for (const form of forms) {
      assertEquals(partsOf(form, "content"), {
        text: "Yes",
        beside: { reasoning_content: "hm", tool_calls },
      });
    }
    assertEquals(partsOf([{ text: "Hi" }], "x"), { text: "Hi", beside: {} });
    for (
      const [part, type] of [
        [{ type: "image_url", image_url: {} }, "image_url"],
        [{ type: "tool_call", value: "now()" }, "tool_call"],
        [{ image: "a.png" }, "text"],
      ] as const
    ) {
      assertThrows(
        () => partsOf([part], "c"),
        TypeError,
        `"c[0]" is no text: it has the type "${type}", and only texts, reasoning and tool calls are served`,
      );
    }
  },
});

test({
  ...pure,
  name: "turnAt() takes a function_call of OpenAI's older form for a tool call",
  fn() {
    const turn = { role: "assistant", content: null, function_call: CALL };
    assertEquals<unknown>(turnAt(turn, "turn"), {
      role: "assistant",
      content: "",
      tool_calls,
    });
  },
});
