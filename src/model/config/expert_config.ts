/**
 * How many experts a config has, how they are chosen and in which layers, as the many keys for them
 * say.
 */
import type { ConfigReader } from "./config_reader.ts";
import type { Family } from "./family.ts";

/** A model's experts. */
export interface ExpertConfig {
  /** Experts of a layer. */
  readonly num_experts: number;
  /** Experts that serve a token. */
  readonly num_experts_per_tok: number;
  /** Width of an expert's gated unit. */
  readonly intermediate_size: number;
  /** The gates of a token add up to one. */
  readonly norm_topk_prob: boolean;
  /** Width of the unit that serves every token beside them; undefined: there is none. */
  readonly shared: number | undefined;
  /** Whether each layer has them. */
  readonly layers: readonly boolean[];
}

/** Reads a config's experts; undefined for families without. */
export function readExperts(
  reader: ConfigReader,
  { experts }: Family,
  layers: number,
): ExpertConfig | undefined {
  if (!experts) return undefined;
  const [count] = experts.count.filter((key) => reader.value(key) != null);
  const num_experts = reader.size(count ?? experts.count[0]!);
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
      `"mlp_only_layers" is ${
        JSON.stringify(dense)
      }, expected numbers of layers`,
    );
    return [];
  }
  return Array.from(
    { length: layers },
    (_, layer) => !dense.includes(layer) && (layer + 1) % step === 0,
  );
}
