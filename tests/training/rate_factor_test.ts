import { assertEquals, assertThrows } from "@std/assert";
import { rateFactors } from "../../src/training/rate_factor.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const group = (modules: string[], lr: number) => ({ name: null, modules, lr });

Deno.test(
  "rateFactors() is 1 but for names that a group's parts or expressions fit, the first one wins",
  pure,
  () => {
    const factor = rateFactors({
      learning_rate: 2e-4,
      lr_groups: [
        group(["embed_tokens", "lm_head"], 1e-4),
        group(["layers\\.[01]\\.", "q_proj"], 0),
      ],
    });
    const names = [
      "model.embed_tokens.weight",
      "lm_head.weight",
      "model.layers.1.mlp.up_proj.weight",
      "model.layers.11.mlp.up_proj.weight",
      "model.layers.11.self_attn.q_proj.lora_A.weight",
    ];
    assertEquals(names.map(factor), [0.5, 0.5, 0, 1, 0]);
    assertEquals(rateFactors({ lr_groups: null })("a"), 1);
  },
);

Deno.test(
  "rateFactors() refuses groups without a rate to scale, and what is no expression",
  pure,
  () => {
    assertThrows(
      () => rateFactors({ learning_rate: 0, lr_groups: [group(["a"], 1)] }),
      RangeError,
      "Cannot use lr_groups: learning_rate is 0",
    );
    assertThrows(
      () => rateFactors({ learning_rate: 1, lr_groups: [group(["("], 1)] }),
      RangeError,
      'found "(" in modules, expected a regular expression',
    );
  },
);
