/**
 * Reads from config.json how many experts a model has, how they are chosen, and which layers have
 * them.
 */
import { shown } from "../../base/shown.ts";
import type { ConfigReader } from "./config_reader.ts";
import type { Family } from "./family.ts";

/** The experts of a model. */
export interface ExpertConfig {
  /** Number of experts of a layer. */
  readonly num_experts: number;
  /** Number of experts that are chosen for each token. */
  readonly num_experts_per_tok: number;
  /** Width of the gated unit of an expert. */
  readonly intermediate_size: number;
  /** Whether the gates of a token are scaled to a sum of 1. */
  readonly norm_topk_prob: boolean;
  /** Width of the shared expert, which serves every token; undefined: there is none. */
  readonly shared: number | undefined;
  /** For each layer whether it has experts. */
  readonly layers: readonly boolean[];
}

/** The most experts of all layers together, some ten times those of the largest models. */
const MOST_EXPERTS = 200_000;

/** Reads the experts of a config; undefined for families without experts. */
export function readExperts(
  reader: ConfigReader,
  { experts }: Family,
  layers: number,
): ExpertConfig | undefined {
  if (!experts) return undefined;
  const [count, other] = experts.count
    .filter((key) => reader.value(key) != null);
  if (other !== undefined && reader.value(count!) !== reader.value(other)) {
    reader.problems.push(
      `"${count}" and "${other}" differ, expected one number of experts`,
    );
  }
  const num_experts = reader.size(
    count ?? experts.count[0]!,
    undefined,
    Math.floor(MOST_EXPERTS / layers),
  );
  const num_experts_per_tok = reader.size("num_experts_per_tok");
  if (num_experts_per_tok > num_experts) {
    reader.problems.push(
      `"num_experts_per_tok" is ${num_experts_per_tok}, expected at most the ${num_experts} experts`,
    );
  }
  return {
    num_experts,
    num_experts_per_tok,
    intermediate_size: reader.size(experts.width),
    norm_topk_prob: reader.switch(experts.normalizes),
    shared: experts.shared ? reader.size(experts.shared) : undefined,
    layers: experts.mixed
      ? readSparseLayers(reader, layers)
      : new Array<boolean>(layers).fill(true),
  };
}

function readSparseLayers(reader: ConfigReader, layers: number): boolean[] {
  const step = reader.size("decoder_sparse_step", 1);
  const dense = reader.value("mlp_only_layers") ?? [];
  if (!Array.isArray(dense) || !dense.every(Number.isInteger)) {
    reader.problems.push(
      `"mlp_only_layers" is ${shown(dense)}, expected numbers of layers`,
    );
    return [];
  }
  const plain = new Set(dense);
  return Array.from(
    { length: layers },
    (_, layer) => !plain.has(layer) && (layer + 1) % step === 0,
  );
}
