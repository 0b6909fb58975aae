import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  getColorEnabled,
  setColorEnabled,
  stripAnsiCode,
} from "@std/fmt/colors";
import {
  demonstrationLines,
  pairLines,
  reportLines,
} from "../../../src/preference/loading/inspect.ts";
import { loadPairs } from "../../../src/preference/loading/load.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { characterEncoder } from "../tokens/character_encoder.ts";
import { test } from "../../test_case.ts";

const disk = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => JSON.stringify(row) + "\n").join("");
}

const encoder = characterEncoder();

test({
  ...disk,
  name:
    "reportLines(), pairLines() and demonstrationLines() show what will be trained",
  async fn() {
    await using folder = await temporaryFolder();
    const rows = [{ prompt: "q0", pos_resp: "good", neg_resp: "bad" }, {
      prompt: "a b",
      pos_resp: "x\ny",
      neg_resp: "x\ny",
    }];
    const path = await folder.write("train.jsonl", jsonLines(rows));
    const { examples, report } = await loadPairs([{ path }], {
      split: "train",
      encoder,
    });
    const text = reportLines(report).join("\n");
    for (
      const part of [
        `${path}: 2 rows`,
        "format: CValues (2)",
        "2 rows: 1 kept, 1 dropped",
        "line 2)",
        "shared prompts save",
      ]
    ) {
      assertStringIncludes(text, part);
    }
    const options = { tokenizer: encoder.tokenizer };
    const shown = pairLines(examples[0]!, options).join("\n");
    assertStringIncludes(shown, "line 1: 25 + 24 tokens, 20 shared");
    assertStringIncludes(shown, "g|o|o|d|</s>");
    const enabled = getColorEnabled(); // NO_COLOR may be set where the tests run
    setColorEnabled(true);
    const colored = pairLines(examples[0]!, { ...options, color: true }).join(
      "\n",
    );
    const coloring = getColorEnabled();
    setColorEnabled(enabled);
    assertEquals(stripAnsiCode(colored), shown);
    assertEquals(colored.includes("\x1b["), coloring);
    const eos = encoder.tokenizer.eosTokenId!;
    const demonstration = {
      ids: [0, 36, 1, 47, eos, 999],
      completionStart: 1,
      line: 5,
    };
    assertStringIncludes(
      demonstrationLines(demonstration, options).join("\n"),
      "·|b|",
    );
    assertStringIncludes(
      demonstrationLines(demonstration, options).join("\n"),
      "<999>",
    );
  },
});
