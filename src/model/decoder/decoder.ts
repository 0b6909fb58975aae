/**
 * The forward pass of every model family: ONE decoder, from tokens to hidden states after the last
 * norm. It runs with or without a tape, over a batch without padding or over a KV cache. Knows no
 * file, no loss and no logits.
 */
import type { Tensor } from "../../../kernels/device/tensor.ts";
import * as ops from "../../autograd/ops.ts";
import {
  checkpoint,
  contained,
  isRecording,
  isTracked,
} from "../../autograd/tape.ts";
import { runAttention } from "./attention.ts";
import { type Block, norm, openBlock, queryRows } from "./block.ts";
import {
  type DecoderInput,
  type DecoderOptions,
  type Pass,
  preparePass,
} from "./decoder_pass.ts";
import { addNoise } from "./embedding_noise.ts";
import { runMlp } from "./mlp.ts";
import {
  isTrainedLayer,
  type Model,
  type Norms,
  servingModel,
} from "./model.ts";

export type { DecoderInput, DecoderOptions };

/** Hidden states after the last norm, `[rows, hidden_size]`; `rows` are all tokens by default. */
export function hiddenStates(
  adapted: Model,
  input: DecoderInput,
  options: DecoderOptions = {},
): Tensor {
  const model = servingModel(adapted, options.adapters);
  const { device, config } = model;
  const pass = preparePass(model, input, options);
  const { tokens: given } = input;
  const tokens = given instanceof Uint32Array
    ? { ids: given, tensor: device.upload(given, [given.length], "u32") }
    : { tensor: given };
  const { embedding } = config.scales;
  let x = ops.embedding(device, tokens, model.embed_tokens);
  if (embedding !== 1) x = ops.scale(device, x, embedding);
  if (config.family.normsEmbeddings) {
    x = norm({ pass }, x, { size: config.hidden_size });
  }
  if (options.embeddingNoise) {
    addNoise(device, x, input, options.embeddingNoise);
  }
  for (const index of model.layers.keys()) {
    const block = (x: Tensor) => runBlock(pass, index, x);
    // no backward pass goes below the lowest trained block
    const needsBackward = isTracked(x) || isTrainedLayer(model.layers[index]!);
    const next = isRecording() && options.gradientCheckpointing && needsBackward
      ? checkpoint(device, x, block)
      : contained(device, () => block(x));
    const isKept = next === x || (isRecording() && needsBackward);
    if (!isKept) device.release(x);
    x = next;
  }
  // with a balance of experts the last layer computed all tokens too
  if (options.balance && input.rows) {
    x = ops.gatherRows(device, x, input.rows);
  }
  return norm({ pass }, x, model.norm);
}

/** One block from top to bottom: norm, attention, add, norm, MLP, add. */
function runBlock(pass: Pass, index: number, x: Tensor): Tensor {
  const block = openBlock(pass, index);
  const { norms } = block.layer;

  const attentionIn = norm(block, x, norms.attentionIn);
  // the last layer goes on with those rows only whose hidden states are wanted
  const stream = queryRows(block, x);
  // in a parallel block the MLP reads the stream before attention is added to it
  const beside = !block.config.parallel
    ? undefined
    : norms.mlpIn
    ? norm(block, stream, norms.mlpIn)
    : queryRows(block, attentionIn);
  const h = addsInPlace(block, norms.attentionOut)
    ? runAttention(block, attentionIn, stream)
    : addToStream(block, stream, {
      output: runAttention(block, attentionIn),
      outputNorm: norms.attentionOut,
    });

  const mlpIn = beside ?? norm(block, h, norms.mlpIn);
  return addsInPlace(block, norms.mlpOut)
    ? runMlp(block, mlpIn, h)
    : addToStream(block, h, {
      output: runMlp(block, mlpIn),
      outputNorm: norms.mlpOut,
    });
}

/**
 * Whether attention or MLP may add its output to the residual stream in place, within its last
 * launch: no backward pass needs the old stream, and nothing changes the output before it is added.
 */
function addsInPlace(
  { pass, config }: Block,
  outputNorm: Norms[keyof Norms],
): boolean {
  return pass.inPlace && !outputNorm && config.scales.residual === 1;
}

/**
 * Adds the output of attention or MLP to the residual stream, in families with a norm and factor.
 */
function addToStream(
  block: Block,
  stream: Tensor,
  { output, outputNorm }: {
    readonly output: Tensor;
    readonly outputNorm: Norms[keyof Norms];
  },
): Tensor {
  const { device, config: { scales: { residual } } } = block;
  const normed = norm(block, output, outputNorm);
  const scaled = residual === 1 ? normed : ops.scale(device, normed, residual);
  return ops.add(device, stream, scaled);
}
