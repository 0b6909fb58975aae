/**
 * How many multiplications and additions a batch takes, for measures of speed and estimates of
 * time. Counts products with matrices and attention, nothing else. Pure arithmetic.
 */
import type { ModelConfig } from "../../model/config/config.ts";
import type { Batch } from "../../preference/tokens/batch.ts";

/** What runs over a batch. */
export interface StepKind {
  /** Whether a backward pass follows. */
  readonly backward: boolean;
  /** Whether all weights are trained. */
  readonly full: boolean;
  /** Whether each block runs forward a second time; default false. */
  readonly gradientCheckpointing?: boolean;
  /** Rank of the adapters on all linear layers; default 0. */
  readonly rank?: number;
}

/** Operations of a batch by part; a multiplication with its addition counts two. */
export interface StepOperations {
  /** Products with the weights of all blocks, and with their adapters. */
  readonly blocks: number;
  readonly attention: number;
  readonly vocabulary: number;
  readonly total: number;
}

/** Widths of the gated units that a token passes in a layer. */
function unitWidths(
  { experts, intermediate_size }: ModelConfig,
  layer: number,
): number[] {
  if (!experts?.layers[layer]) return [intermediate_size];
  const { num_experts_per_tok, shared } = experts;
  const chosen = new Array<number>(num_experts_per_tok)
    .fill(experts.intermediate_size);
  return shared === undefined ? chosen : [...chosen, shared];
}

/** Counts a batch. */
export function stepOperations(
  config: ModelConfig,
  batch: Pick<Batch, "tokens" | "ranges" | "targetRows">,
  { backward, full, gradientCheckpointing = false, rank = 0 }: StepKind,
): StepOperations {
  const { hidden_size: hidden, num_hidden_layers: layers } = config;
  const tokens = batch.tokens.length;
  const targets = batch.targetRows.length;
  const passes = 1 + (backward ? 1 + Number(gradientCheckpointing) : 0);
  const matrix = (rows: number, cols: number) =>
    2 * rows * cols * (passes + (backward && full ? 1 : 0)) +
    2 * rank * (rows + cols) * (passes + Number(backward));
  const queries = config.num_attention_heads * config.head_dim;
  const keys = config.num_key_value_heads * config.head_dim;
  const projections = matrix(queries, hidden) + matrix(hidden, queries);
  const asked = 2 * matrix(keys, hidden);
  // the last layer has queries only where a token is trained
  const asking = (layer: number) => layer === layers - 1 ? targets : tokens;
  let blocks = layers * tokens * asked;
  for (let layer = 0; layer < layers; layer++) {
    const units = unitWidths(config, layer)
      .reduce((sum, width) => sum + 3 * matrix(width, hidden), 0);
    blocks += asking(layer) * (projections + units);
  }
  let seen = 0;
  for (let i = 0; i < batch.ranges.length; i += 4) {
    const [a, b, c, d] = batch.ranges.subarray(i, i + 4);
    seen += b! - a! + d! - c!;
  }
  // forward: scores and values; backward: the scores again, and the gradients of both
  const attention = 4 * seen * queries * layers *
    (1 + (backward ? 2.5 + Number(gradientCheckpointing) : 0));
  // logits, and with a gradient the mean of the weights; a trained head makes the logits again for
  // its own
  const vocabulary = 2 * targets * config.vocab_size * hidden *
    (backward ? full ? 4 : 2 : 1);
  const total = blocks + attention + vocabulary;
  return { blocks, attention, vocabulary, total };
}
