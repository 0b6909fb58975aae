/** A run on a mixture of experts: what the router loss adds to its rows, and what it needs. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { listenToNotes } from "../../../src/base/notes.ts";
import type { BytePlan } from "../../../src/training/plan/byte_plan.ts";
import { MODEL, readMetrics, runTest, type Scene } from "./run_scene.ts";

/** A model folder with three layers, two of them with experts, and a tokenizer. */
function writeModel({ path }: Scene): string {
  const folder = path("experts");
  Deno.mkdirSync(folder);
  for (const file of ["tokenizer.json", "tokenizer_config.json"]) {
    Deno.copyFileSync(join(MODEL, file), join(folder, file));
  }
  const dense = JSON.parse(Deno.readTextFileSync(join(MODEL, "config.json")));
  const config = {
    ...dense,
    architectures: ["Qwen3MoeForCausalLM"],
    model_type: "qwen3_moe",
    head_dim: 16,
    num_hidden_layers: 3,
    mlp_only_layers: [1],
    num_experts: 5,
    num_experts_per_tok: 2,
    moe_intermediate_size: 12,
    norm_topk_prob: true,
    decoder_sparse_step: 1,
    output_router_logits: true,
    router_aux_loss_coef: 7,
  };
  Deno.writeTextFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

await runTest(
  "a run on experts adds the router loss to its loss and tells it, as TRL does",
  async (scene) => {
    const recipe = {
      model_name_or_path: writeModel(scene),
      init_from_config: true,
      eval_dataset: scene.path("pairs.jsonl"),
      eval_strategy: "steps",
      eval_steps: 2,
      eval_on_start: true,
      max_steps: 2,
      per_device_train_batch_size: 2,
      per_device_eval_batch_size: 3,
    };
    const run = async (name: string, more: Record<string, unknown>) => {
      let plan: BytePlan | undefined;
      await scene.train(name, { ...recipe, ...more }, {
        sinks: [{
          open: (start) => {
            plan = start.plan;
            return Promise.resolve();
          },
        }],
      });
      return { rows: readMetrics(scene.path(name)), plan: plan! };
    };
    const notes: string[] = [];
    const isLeftOut = () => notes.filter((one) => one.includes("mixture of"));
    using _listening = listenToNotes((note) => notes.push(note));
    const own = await run("own", { router_aux_loss_coef: 0.5 });
    assertEquals(isLeftOut(), []);
    const without = await run("without", { router_aux_loss_coef: 0 });
    assertEquals(isLeftOut().length, 1);
    const packed = await run("packed", {
      router_aux_loss_coef: 0.5,
      max_tokens_per_batch: 30,
    });
    assert(
      without.rows.every((row) => !Object.keys(row).join().includes("aux")),
    );
    assertEquals(own.rows.length, 4); // two steps between two evaluations
    const [evaluation, first] = own.rows;
    const [plainEvaluation, plainFirst] = without.rows;
    for (
      const [row, plain, prefix] of [
        [first!, plainFirst!, ""],
        [evaluation!, plainEvaluation!, "eval_"],
      ] as const
    ) {
      const auxLoss = row[`${prefix}aux_loss`]!;
      assert(auxLoss > 1.5 && auxLoss < 3, `${auxLoss}`);
      const want = plain[`${prefix}loss`]! + 0.5 * auxLoss;
      assertAlmostEquals(row[`${prefix}loss`]!, want, 1e-6);
    }
    // the default is TRL's 0.001
    const { rows: [, usual] } = await run("default", {});
    const usualLoss = plainFirst!.loss! + 0.001 * usual!.aux_loss!;
    assertAlmostEquals(usual!.loss!, usualLoss, 1e-7);
    // it is not a sum over pairs, so micro-batches are neither split nor packed
    for (const [i, row] of packed.rows.entries()) {
      const name = i === 1 || i === 2 ? "aux_loss" : "eval_aux_loss";
      assertAlmostEquals(row[name]!, own.rows[i]![name]!, 1e-6);
    }
    assertEquals(packed.plan.total, own.plan.total);
    const kept = ({ groups }: BytePlan) =>
      groups.find(({ name }) => name.startsWith("kept"))!.bytes;
    assert(kept(own.plan) > kept(without.plan));
  },
);
