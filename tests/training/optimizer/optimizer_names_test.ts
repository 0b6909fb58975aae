import { assertEquals, assertThrows } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { readOptimArgs } from "../../../src/training/optimizer/optimizer_names.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "readOptimArgs() fills in defaults and names what an optimizer does not take",
  pure,
  () => {
    assertEquals(readOptimArgs("rmsprop", { momentum: 0.5 }), {
      alpha: 0.99,
      eps: 1e-8,
      momentum: 0.5,
    });
    assertEquals(readOptimArgs("adamw_torch", null), {});
    assertThrows(
      () => readOptimArgs("muon", { ns_steps: 2.5, nesterov: 2 }),
      RangeError,
      "ns_steps is 2.5, expected 1 to 99; nesterov is 2, expected 0 to 1",
    );
    assertThrows(
      () => readOptimArgs("sgd", { momentum: 1, nesterov: 1 }),
      RangeError,
      'Cannot set "sgd" by optim_args: momentum is 1, expected 0 to 0.9999999; found "nesterov", expected momentum',
    );
  },
);

test(
  "trainSchema takes every name of an optimizer, and optim_args as transformers' text",
  pure,
  () => {
    const least = { model_name_or_path: "m", dataset: "d", output_dir: "o" };
    const optimOf = (optim: string, optim_args?: string) => {
      const given = optim_args === undefined ? {} : { optim_args };
      const { options } = readOptions(trainSchema, [
        { ...least, optim, ...given },
      ]);
      return [options.optim, options.optim_args];
    };
    assertEquals(optimOf("paged_adamw_8bit"), ["adamw_8bit", null]);
    assertEquals(optimOf("adamw_apex_fused"), ["adamw_torch", null]);
    assertEquals(optimOf("lion"), ["lion_32bit", null]);
    assertEquals(optimOf("rmsprop", "alpha=0.9, eps=1e-6"), [
      "rmsprop",
      { alpha: 0.9, eps: 1e-6 },
    ]);
  },
);
