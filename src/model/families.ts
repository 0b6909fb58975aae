/**
 * What differs between model families: ONE table of switches. Sizes never stand here, they come from config.json.
 * To add a family is to add a row.
 */

/** The switches of a family; a text names the config key that holds the switch. */
export interface Family {
  /** Bias of the q, k and v projections. */
  readonly qkvBias: boolean | string;
  /** Bias of the o projection. */
  readonly outputBias: boolean | string;
  /** Bias of the gate, up and down projections. */
  readonly mlpBias: boolean | string;
  /** RMS norm of each head's query and key before the rotation. */
  readonly headNorm: boolean;
  /** Layers see a sliding window: all of them if `sliding_window` is a number, or only where a switch says so. */
  readonly slidingWindow: "always" | "use_sliding_window" | "never";
}

const LLAMA: Family = {
  qkvBias: "attention_bias",
  outputBias: "attention_bias",
  mlpBias: "mlp_bias",
  headNorm: false,
  slidingWindow: "never",
};

/** The families served, by `model_type`. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  llama: LLAMA,
  mistral: {
    ...LLAMA,
    qkvBias: false,
    outputBias: false,
    mlpBias: false,
    slidingWindow: "always",
  },
  qwen2: {
    ...LLAMA,
    qkvBias: true,
    outputBias: false,
    mlpBias: false,
    slidingWindow: "use_sliding_window",
  },
  qwen3: {
    ...LLAMA,
    mlpBias: false,
    headNorm: true,
    slidingWindow: "use_sliding_window",
  },
};
