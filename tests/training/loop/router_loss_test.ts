/**
 * The loss that keeps experts in equal use, beside transformers 5.18.0: values and gradients of
 * `outputs.aux_loss` for a pair of answers whose prompt runs twice there and once here.
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { openModelFolder } from "../../../src/files/folders/model_folder.ts";
import { readModelConfig } from "../../../src/model/config/config.ts";
import { trainedWeights } from "../../../src/model/decoder/model.ts";
import { loadModel } from "../../../src/model/weights/load.ts";
import { preferenceBatch } from "../../../src/preference/tokens/batch.ts";
import { feedbackBatch } from "../../../src/preference/tokens/mismatched_feedback.ts";
import { tokenPair } from "../../../src/preference/tokens/token_examples.ts";
import { recordedLogps } from "../../../src/training/loop/batch_logps.ts";
import { balanceBatch } from "../../../src/training/loop/router_loss.ts";
import { routerLossOf } from "../../../src/training/setup/run_router_loss.ts";
import { modelTest } from "../../model/model_test_case.ts";
import { test } from "../../test_case.ts";

const PROMPT = [51, 44, 59, 17, 59];
const sequence = (answer: readonly number[]) => ({
  ids: [...PROMPT, ...answer],
  completionStart: PROMPT.length,
});
const CHOSEN = sequence([13, 45, 40, 62, 11, 5]);
const REJECTED = sequence([47, 18, 44]);

/** The loss, and the L2 norm of its gradient for each router. */
const WANTED = {
  mixtral: [2.0985281467, 0.2483616652, 0.2952902090],
  qwen2_moe: [2.2850332260, 0.8161179126],
  qwen3_moe: [2.0615415573, 0.2568803518, 0.2353672735],
  olmoe: [3.0402283668, 0.4124392726, 0.3679532590],
};

for (const [name, [loss, ...norms]] of Object.entries(WANTED)) {
  for (const gradientCheckpointing of [false, true]) {
    await modelTest(
      `the router loss of ${name} is that of transformers${
        gradientCheckpointing ? ", with blocks computed again" : ""
      }`,
      `models/${name}`,
      async (device, folder) => {
        const { config, weights } = await openModelFolder(folder);
        const model = await loadModel(
          device,
          readModelConfig(config),
          weights,
          {
            trained: true,
          },
        );
        const routerLoss = routerLossOf(model.config, {
          trainer: "dpo",
          router_aux_loss_coef: 3,
        });
        using _scope = device.scope();
        const batch = preferenceBatch([tokenPair(CHOSEN, REJECTED, 1)]);
        const balance = balanceBatch(device, routerLoss!, 1 / 2);
        const logps = await recordedLogps(model, batch, {
          gradientCheckpointing,
          balance: balance.passOf(batch),
          alongside: [balance.sums],
        });
        const value = balance.valueOf(logps.alongside[0]!);
        assertAlmostEquals(value, loss!, 2e-5 * loss!);
        // no slope of a log-probability: all that is left is the router loss
        logps.backward(new Float32Array(batch.targetRows.length));
        const routers = trainedWeights(model).filter(({ name }) =>
          /(mlp|block_sparse_moe)\.gate\.weight$/.test(name)
        );
        assertEquals(routers.length, norms.length);
        for (const [i, { parameter }] of routers.entries()) {
          const gradient = await device.read(parameter!.gradient);
          const norm = 3 / 2 * norms[i]!;
          assertAlmostEquals(Math.hypot(...gradient), norm, 1e-4 * norm);
        }
      },
      { kinds: ["cpu", "gpu"] },
    );
  }
}

test("timesAttended counts a shared prompt twice, and no mismatched answer", () => {
  const pair = preferenceBatch([tokenPair(CHOSEN, REJECTED, 1)]);
  const once = Array<number>(9).fill(1);
  assertEquals([...pair.timesAttended], [2, 2, 2, 2, 2, ...once]);
  const feedback = feedbackBatch([{
    sequence: CHOSEN,
    mismatched: REJECTED,
    label: true,
    line: 1,
  }]);
  const own = [...Array<number>(11).fill(1), 0, 0, 0];
  assertEquals([...feedback.timesAttended], own);
  for (const batch of [pair, feedback]) {
    const sum = batch.timesAttended.reduce((a, b) => a + b, 0);
    assertEquals(sum, batch.attendedTokens);
  }
});

test("a reward model and a coefficient of 0 have no router loss", () => {
  const experts = {
    num_experts: 4,
    num_experts_per_tok: 2,
    intermediate_size: 8,
    norm_topk_prob: true,
    shared: undefined,
    layers: [true, false, true],
  };
  const of = (trainer: "dpo" | "reward", router_aux_loss_coef: number) =>
    routerLossOf({ experts }, { trainer, router_aux_loss_coef });
  assertEquals(of("dpo", 0.01), { coefficient: 0.01, experts: 4, layers: 2 });
  assertEquals(of("dpo", 0), undefined);
  assertEquals(of("reward", 0.01), undefined);
  const dense = { trainer: "dpo", router_aux_loss_coef: 1 } as const;
  assertEquals(routerLossOf({ experts: undefined }, dense), undefined);
});
