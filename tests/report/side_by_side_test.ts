import { assert, assertEquals } from "@std/assert";
import {
  displayWidth,
  sideBySideLines,
  wrapText,
} from "../../src/report/side_by_side.ts";
import { test } from "../test_case.ts";

const PURE = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test("displayWidth() counts Chinese letters twice", PURE, () => {
  assertEquals(displayWidth("ab 您好。"), 3 + 6);
});

test(
  "wrapText() breaks at spaces and between Chinese letters, and loses nothing",
  PURE,
  () => {
    assertEquals(wrapText("one two three", 8), ["one two", "three"]);
    assertEquals(wrapText("当然可以的", 4), ["当然", "可以", "的"]);
    assertEquals(wrapText("", 4), [""]);
    const mixed = "请问 Deno 怎么装? Read the manual";
    assertEquals(
      wrapText(mixed, 6).join("").replaceAll(" ", ""),
      mixed.replaceAll(" ", ""),
    );
  },
);

test(
  "sideBySideLines() keeps all columns aligned at any text",
  PURE,
  () => {
    const lines = sideBySideLines([
      {
        prompt: "怎么还清欠款？",
        base: "随便你。",
        tuned: "当然可以！先还利息高的，希望对您有帮助。",
      },
      {
        prompt: "How do I rest?",
        base: "Who cares.",
        tuned: "Gladly! Sleep early and put the phone away. I hope this helps.",
      },
    ], 66);
    for (const line of lines) {
      const bars = line.split(/ \| |-\+-/);
      if (bars.length > 1) assertEquals(displayWidth(bars[0]!), 20);
      assert(displayWidth(line) <= 66, line);
    }
  },
);
