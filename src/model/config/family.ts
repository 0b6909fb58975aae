/**
 * The switches in which model families differ. A row of families.ts sets them. Sizes are not among
 * them; they come from config.json.
 */

/** The norms of a block, with their names in a checkpoint. An absent place has no norm. */
export interface NormNames {
  /** The norm of the input of attention. */
  readonly attentionIn?: string;
  /** The norm of the output of attention, before it is added. */
  readonly attentionOut?: string;
  /** The norm of the input of the MLP. */
  readonly mlpIn?: string;
  /** The norm of the output of the MLP, before it is added. */
  readonly mlpOut?: string;
}

/** The activation of an MLP. */
export type MlpActivation = "silu" | "gelu_tanh" | "relu2" | "gelu" | "xielu";

/** Factors that some families multiply by. */
export interface Scales {
  readonly embedding: number;
  /** Factor on the outputs of attention and MLP, before they are added to the residual stream. */
  readonly residual: number;
  /** Factor on the products of queries and keys; undefined: `1 / sqrt(head_dim)`. */
  readonly attention?: number;
  readonly logits: number;
}

/** The keys of config.json that describe experts. */
export interface ExpertSwitches {
  /** Keys that may hold the number of experts; older and newer files name it differently. */
  readonly count: readonly string[];
  /** Key of an expert's width. */
  readonly width: string;
  /** Whether the gates of a token are scaled to a sum of 1, or the key that says so. */
  readonly normalizes: boolean | string;
  /**
   * Whether some layers may have a plain MLP; `decoder_sparse_step` and `mlp_only_layers` say
   * which.
   */
  readonly mixed?: boolean;
  /** Key of the width of the shared expert, which serves every token; undefined: there is none. */
  readonly shared?: string;
}

/** The text model inside a larger one, such as a vision model. */
export interface ModelPart {
  /** Key of config.json that holds the text model's config. */
  readonly key: string;
  /**
   * The families that the inner config may be of, by model_type; one that names none is of the
   * first.
   */
  readonly families: Readonly<Record<string, Family>>;
  /** Whether the keys of the text model may stand in the outer config; default false. */
  readonly mayBeFlat?: boolean;
  /**
   * Whether head and embedding are tied if the outer config does not say so. An inner config says
   * nothing of it, unless `innerTies`.
   */
  readonly tied: boolean;
  /** Whether an inner config that ties them counts too; default false. */
  readonly innerTies?: boolean;
  /** Matches the names of tensors of the other parts, which are not loaded. */
  readonly others: RegExp;
}

/**
 * How the names of a text model's tensors differ from those of a model of its own: all begin with
 * `language_model.` ("outer"), `model.` has become `model.language_model.` ("inner"), or they do
 * not differ.
 */
export type TextNames = "outer" | "inner" | "plain";

/** Reads a number of config.json, or `fallback` if it is absent. */
export type ReadNumber = (key: string, fallback: number) => number;

/**
 * The switches of a family. A text in place of a boolean names the config key that holds the
 * switch.
 */
export interface Family {
  /** Whether the q, k and v projections have a bias. */
  readonly qkvBias: boolean | string;
  /** Whether the o projection has a bias. */
  readonly outputBias: boolean | string;
  /** Whether the gate, up and down projections have a bias. */
  readonly mlpBias: boolean | string;
  /**
   * The norm of queries and keys: none, over each head with one weight for all heads or with one of
   * its own for each, or over the whole projection.
   */
  readonly qkNorm: "none" | "head" | "each_head" | "whole";
  /** The config key that turns this norm on; undefined: it is always there. */
  readonly qkNormKey?: string;
  /** The names of these norms in a checkpoint. */
  readonly qkNormNames: readonly [q: string, k: string];
  /** Whether queries and keys are normed after the rotation, not before it. */
  readonly normsAfterRope: boolean;
  readonly norms: NormNames;
  /**
   * What the norms are: RMS norms, the same without weights, or layer norms, which take the mean
   * off, without or with a bias; default "rms".
   */
  readonly normKind?: "rms" | "rms_plain" | "layer" | "layer_bias";
  /** Whether the embeddings are normed before the first block; default false. */
  readonly normsEmbeddings?: boolean;
  /**
   * Whether attention and MLP read the same stream and are added together, or the config key that
   * says so; default false. Without a norm `mlpIn` both read one norm of it.
   */
  readonly parallel?: boolean | string;
  /** Whether the MLP has a gate; default true. */
  readonly hasGate?: boolean;
  /** The key of the MLP's width, and its default; default: `intermediate_size`. */
  readonly width?: readonly [key: string, fallback: number];
  /** Added to the weight of every norm: the norms multiply by `offset + weight`. */
  readonly normOffset: 0 | 1;
  /**
   * Whether one matrix makes q, k and v. Its rows are either all of q, then k, then v ("in_turn"),
   * or for each key head its queries, its key and its value ("by_key_head").
   */
  readonly fusedQkv: false | "in_turn" | "by_key_head";
  /** Whether one matrix makes gate and up. */
  readonly fusedGateUp: boolean;
  /** Whether the dims of a rotated pair are neighbours; otherwise they are half a head apart. */
  readonly interleavedRope: boolean;
  /** Share of a head's dims that rotate, if config.json has no `partial_rotary_factor`. */
  readonly partialRotary: number;
  /**
   * Which layers rotate: all, those that `no_rope_layers` names, those with a sliding window
   * ("sliding": all of a model without windows, "windowed": none of it), or all if
   * `position_embedding_type` is "rope".
   */
  readonly ropeLayers:
    | "all"
    | "no_rope_layers"
    | "sliding"
    | "windowed"
    | "position_embedding_type";
  /**
   * When the key `sliding_window` applies: always, never, or if `use_sliding_window` is true
   * ("from_layer", "if_used", "by_types"). The key `layer_types` says which layers have the window.
   * Without that key all layers have it, or those from `max_window_layers` on ("from_layer"), or
   * the load stops ("by_types").
   */
  readonly slidingWindow:
    | "always"
    | "from_layer"
    | "if_used"
    | "by_types"
    | "never";
  /**
   * Every n-th layer attends to all keys: n, or the config key of n with its default. Undefined:
   * there is no such pattern.
   */
  readonly slidingPattern?: number | readonly [key: string, fallback: number];
  /**
   * Activations that only this family has under these words: Gemma's first config.json uses "gelu"
   * for the tanh form.
   */
  readonly activations?: Readonly<Record<string, MlpActivation>>;
  /** Older words of `layer_types` for layers that attend to all keys; default: none. */
  readonly fullTypes?: readonly string[];
  /** Whether config.json must have `layer_types`; default false. */
  readonly needsLayerTypes?: boolean;
  /** Older keys of config.json -> the keys that they stand for and win over. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Whether the heads turn the other way; default false. */
  readonly reversedRope?: boolean;
  /** The keys of soft caps that count. Undefined: none does. */
  readonly softcaps?: readonly (
    | "attn_logit_softcapping"
    | "final_logit_softcapping"
  )[];
  /** The key of the activation function, and its default. Undefined: `hidden_act`, and silu. */
  readonly activation?: readonly [
    key: "hidden_act" | "hidden_activation",
    fallback: string,
  ];
  /** Whether `partial_rotary_factor` counts; default false. */
  readonly readsPartialRotary?: boolean;
  /**
   * Given if layers with a sliding window may rotate in their own way: in the older layout of
   * config.json by this theta, or by that of this key, without scaling. Undefined: they rotate as
   * the others do.
   */
  readonly localTheta?: number | string;
  /** Whether `alpha` counts in rope_type "dynamic"; default false. */
  readonly hasRopeAlpha?: boolean;
  /**
   * Whether positions have three parts (time, height and width of images), which are equal in
   * texts, so that `mrope_section` changes nothing; default false.
   */
  readonly hasRopeSections?: boolean;
  /**
   * Whether queries grow with their positions by `llama_4_scaling_beta`; default false.
   */
  readonly hasQueryGrowth?: boolean;
  readonly scales: (
    read: ReadNumber,
    hidden_size: number,
    layers: number,
  ) => Scales;
  /** The keys of the experts that replace the MLP. Undefined: the family has no experts. */
  readonly experts?: ExpertSwitches;
  /** Parts of tensor names that differ from Llama's: Llama's part -> the family's part. */
  readonly names?: Readonly<Record<string, string>>;
  /** Given if the model is the text part of a larger model. */
  readonly part?: ModelPart;
  /** How a checkpoint names the tensors of the text model, where it does not show it; "plain". */
  readonly textNames?: TextNames;
  /** Values of absent config keys, where they differ from the usual defaults. */
  readonly defaults?: Readonly<Record<string, unknown>>;
}
