/**
 * Logits over the whole vocabulary, for the few rows that are sampled from or written to a file.
 * Never for training.
 */
import type { Device } from "../device/device.ts";
import { foldedGrid } from "../device/grid.ts";
import { defineKernel } from "../device/kernel.ts";
import { linear } from "../matmul/linear.ts";
import { logitArguments, type LogitOptions } from "./logit_options.ts";
import type { Matrix } from "../matrix/matrix.ts";
import source from "./model_logits.wgsl" with { type: "text" };
import { expectShape, matrixShape, type Tensor } from "../device/tensor.ts";

const kernel = defineKernel("model_logits", source);

/**
 * Makes the model's logits of each row.
 *
 * @param hidden `[rows, hidden_size]`, f32
 * @param head `[vocabulary, hidden_size]`
 * @returns `[rows, vocabulary]`, owned by the innermost scope
 * @throws {RangeError} if the logits take more bytes than one binding holds
 */
export function fullLogits(
  device: Device,
  hidden: Tensor,
  head: Matrix,
  options: LogitOptions = {},
): Tensor {
  const [rows] = matrixShape(hidden);
  expectShape("hidden", hidden, [rows, head.cols]);
  const count = rows * head.rows;
  if (count * 4 > device.windowBytes) {
    throw new RangeError(
      `Cannot make logits [${rows}, ${head.rows}]: ${
        count * 4
      } bytes, expected at most ${device.windowBytes}; take fewer rows at a time`,
    );
  }
  const logits = linear(device, hidden, head);
  const { params, constants, bias } = logitArguments(options, hidden);
  const plain = params.scale === 1 && !constants.HAS_BIAS &&
    !constants.HAS_SOFTCAP;
  if (count > 0 && !plain) {
    device.launch(
      kernel,
      { logits, bias },
      { ...params, count, cols: head.rows },
      foldedGrid(Math.ceil(count / 64)),
      { constants },
    );
  }
  return logits;
}
