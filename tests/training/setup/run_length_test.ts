/** How long a run is, and how much work: counted by hand. */
import { assertEquals, assertThrows } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { tokenOperations } from "../../../src/model/decoder/token_operations.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import {
  runLength,
  runOperations,
} from "../../../src/training/setup/run_length.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const config = {
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 2,
};
const examples = [5, 7, 6].map((length) => ({ ids: new Uint32Array(length) }));

function optionsOf(given: Record<string, unknown>) {
  return readOptions(trainSchema, [{
    model_name_or_path: "m",
    dataset: "d",
    output_dir: "output/o",
    ...given,
  }]).options;
}

test(
  "tokenOperations() counts each weight of the blocks twice",
  OPTIONS,
  () => {
    // q and o 8 x 8, k and v 4 x 8, gate, up and down 12 x 8; 3 layers
    assertEquals(tokenOperations(config), 2 * 3 * (128 + 64 + 288));
  },
);

test(
  "runOperations() counts three passes over the tokens of all steps",
  OPTIONS,
  () => {
    const options = optionsOf({
      per_device_train_batch_size: 2,
      num_train_epochs: 2,
    });
    // 18 tokens an epoch of 2 steps, 4 steps
    const { totalSteps, stepsPerEpoch } = runLength(options, examples);
    assertEquals([totalSteps, stepsPerEpoch], [4, 2]);
    const all = 3 * 36 * tokenOperations(config);
    assertEquals(runOperations(config, options, examples), all);
    const short = { ...options, max_steps: 1 };
    assertEquals(runOperations(config, short, examples), all / 4);
  },
);

test("runLength() refuses a run over nothing", OPTIONS, () => {
  assertThrows(() => runLength(optionsOf({}), []), RangeError, "no example");
});
