import { assertEquals } from "@std/assert";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { sequenceBatch } from "../../../src/preference/tokens/batch.ts";
import { stepOperations } from "../../../src/training/setup/step_operations.ts";
import { familyConfig, type Json, QWEN2 } from "../../model/config_case.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

/** Two sequences: 5 tokens, of which 3 are trained on. */
const BATCH = sequenceBatch([[1, 2, 3], [4, 5]]);

const blocks = (config: Json) =>
  stepOperations(readModelConfig(config), BATCH, {
    backward: false,
    full: false,
  }).blocks;

test("stepOperations() counts what each token passes", pure, () => {
  // q and o 8 x 8, gate, up and down 8 x 12: for 5 tokens in two layers, for 3 in the last; k and v
  // 8 x 4 for all in three
  const asking = 2 * 64 + 3 * 96;
  assertEquals(blocks(QWEN2), 2 * ((5 + 5 + 3) * asking + 3 * 5 * 2 * 32));
});

test(
  "stepOperations() counts the experts that are chosen, not those that are there",
  pure,
  () => {
    // two of four experts and one for all, each 6 wide, in the layers that have them
    const experts = 2 * 64 + 3 * 3 * 48;
    const dense = 2 * 64 + 3 * 96;
    const config = { ...familyConfig("qwen2_moe"), mlp_only_layers: [1] };
    assertEquals(
      blocks(config),
      2 * ((5 + 3) * experts + 5 * dense + 3 * 5 * 2 * 32),
    );
  },
);
