/**
 * Starts adapters by PiSSA: `scale * B A` is the principal part of the weight. PEFT subtracts that
 * part from the frozen weight. Here the weight is not changed; instead the same product, negated,
 * is added as a fixed product beside the trained one. So the model starts exactly as its base, and
 * with the adapter switched off it is its base. What is saved is a plain adapter of twice the rank,
 * as PEFT's own conversion makes it, which loads on the original base.
 *
 * Source: https://arxiv.org/abs/2404.02948, Eq. 2 to 4; Appendix C for the conversion.
 */
import { packMatrix } from "../../../kernels/matrix/matrix.ts";
import { refreshWeight, type Weight } from "../../autograd/parameter.ts";
import { Random } from "../../base/random.ts";
import { linearPaths } from "./adapter_layout.ts";
import type { Model } from "../decoder/model.ts";
import { principalVectors } from "./principal_vectors.ts";

/**
 * Fills the fresh adapters of a model and their fixed products, which `addAdapter()` made as zeros.
 */
export async function startPissa(model: Model, seed: number): Promise<void> {
  const { device } = model;
  const random = new Random(seed);
  for (const [, { weight, lora }] of linearPaths(model)) {
    if (!lora?.fixed) continue;
    const { a, b, scale, fixed } = lora;
    const { rows: rank } = a.matrix;
    const { values, left, right } = await principalVectors(
      device,
      weight.matrix,
      rank,
      random,
    );
    const roots = values.map((value) => Math.sqrt(value / scale));
    const [outs, ins] = [b.matrix.rows, a.matrix.cols];
    const first = new Float32Array(rank * ins);
    const second = new Float32Array(outs * rank);
    for (const [k, root] of roots.entries()) {
      first.set(right[k]!.map((x) => x * root), k * ins);
      for (let i = 0; i < outs; i++) second[i * rank + k] = left[k]![i]! * root;
    }
    const write = (
      trained: Weight,
      kept: Weight,
      numbers: Float32Array<ArrayBuffer>,
    ) => {
      const { value } = trained.parameter!;
      device.write(value, numbers, 0);
      refreshWeight(device, trained);
      packMatrix(device, kept.matrix, value);
    };
    write(a, fixed.a, first);
    write(b, fixed.b, second);
    await device.drainUploads();
  }
}
