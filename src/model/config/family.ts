/**
 * The switches of a model family, which a row of families.ts sets. Sizes never stand here, they
 * come from config.json.
 */

/** Where a block norms, and what the norms are called in a checkpoint. */
export interface NormNames {
  /** Before attention. */
  readonly attentionIn?: string;
  /** Of what attention adds. */
  readonly attentionOut?: string;
  /** Before the MLP. */
  readonly mlpIn?: string;
  /** Of what the MLP adds. */
  readonly mlpOut?: string;
}

/** Factors that some families put on what flows. */
export interface Scales {
  readonly embedding: number;
  /** On what attention and MLP add to the stream. */
  readonly residual: number;
  /** On the products of queries and keys; undefined: `1 / sqrt(head_dim)`. */
  readonly attention?: number;
  readonly logits: number;
}

/** Which keys of config.json say how experts are chosen. */
export interface ExpertSwitches {
  /** Keys of the number of experts: older files have one name, newer ones another. */
  readonly count: readonly string[];
  /** Key of the width of an expert. */
  readonly width: string;
  /** Whether the gates of a token add up to one, or the key that says so. */
  readonly normalizes: boolean | string;
  /** Some layers may have one unit only: `decoder_sparse_step` and `mlp_only_layers` say which. */
  readonly mixed?: boolean;
  /** Key of the width of a unit that serves every token beside them. */
  readonly shared?: string;
}

/** The text half of a model that has others. */
export interface ModelPart {
  /** Key of config.json that holds its own. */
  readonly key: string;
  /** What that says it is. */
  readonly model_type: string;
  /** What its tensors' names begin with. */
  readonly prefix: string;
  /** Names of tensors that are not its own. */
  readonly others: RegExp;
}

/** A number of config.json, or what stands for it where it is absent. */
export type ReadNumber = (key: string, fallback: number) => number;

/** The switches of a family; a text in place of a switch names the config key that holds it. */
export interface Family {
  /** Bias of the q, k and v projections. */
  readonly qkvBias: boolean | string;
  /** Bias of the o projection. */
  readonly outputBias: boolean | string;
  /** Bias of the gate, up and down projections. */
  readonly mlpBias: boolean | string;
  /** RMS norm of queries and keys: of each head, or of the whole projection. */
  readonly qkNorm: "none" | "head" | "whole";
  /** Names of these norms. */
  readonly qkNormNames: readonly [q: string, k: string];
  /** Queries and keys are normed after the rotation. */
  readonly normsAfterRope: boolean;
  readonly norms: NormNames;
  /** Norms multiply by `offset + weight`. */
  readonly normOffset: 0 | 1;
  /**
   * One matrix makes q, k and v: one after the other, or for each key head its queries, itself and
   * its values.
   */
  readonly fusedQkv: false | "in_turn" | "by_key_head";
  /** One matrix makes gate and up. */
  readonly fusedGateUp: boolean;
  /** Rotated pairs are neighbours. */
  readonly interleavedRope: boolean;
  /** Share of a head that rotates where `partial_rotary_factor` does not say. */
  readonly partialRotary: number;
  /** Layers that rotate: all, those that `no_rope_layers` says, or those with a sliding window. */
  readonly ropeLayers: "all" | "no_rope_layers" | "sliding";
  /**
   * When `sliding_window` counts: always, never, or if `use_sliding_window` is on. `layer_types`
   * says where; without it all layers slide, or those from `max_window_layers` on, or the config
   * must have it ("by_types").
   */
  readonly slidingWindow:
    | "always"
    | "from_layer"
    | "if_used"
    | "by_types"
    | "never";
  /** Every n-th layer sees all keys; a text names the key. Undefined: no such pattern. */
  readonly slidingPattern?: number | readonly [key: string, fallback: number];
  /**
   * What "gelu" means: Gemma's first config.json says it of the tanh form. Undefined: not served.
   */
  readonly gelu?: "gelu_tanh";
  readonly scales: (
    read: ReadNumber,
    hidden_size: number,
    layers: number,
  ) => Scales;
  /** Several units in place of one, of which a router chooses some. Undefined: one. */
  readonly experts?: ExpertSwitches;
  /** Parts of tensor names that are other than Llama's. */
  readonly names?: Readonly<Record<string, string>>;
  /** Set where the model is a part of a larger one. */
  readonly part?: ModelPart;
  /** What its config says of a key that is not there, where that is not our default. */
  readonly defaults?: Readonly<Record<string, unknown>>;
}
