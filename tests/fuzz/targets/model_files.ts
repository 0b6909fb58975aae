/** config.json and adapter_config.json of models from strangers. */
import {
  layerAdapter,
  readAdapterConfig,
} from "../../../src/model/adapter/adapter_config.ts";
import { matchTargets } from "../../../src/model/adapter/target_modules.ts";
import {
  type ModelConfig,
  readModelConfig,
} from "../../../src/model/config/config.ts";
import { type DrawInput, hold } from "../fuzz_target.ts";
import { mutateObject } from "../mutate_json.ts";
import { asLine, projectNames, projectText } from "../project_files.ts";

const ADAPTER = {
  peft_type: "LORA",
  task_type: "CAUSAL_LM",
  r: 8,
  lora_alpha: 16,
  lora_dropout: 0.1,
  target_modules: ["q_proj", "v_proj"],
  bias: "none",
  modules_to_save: ["norm"],
  rank_pattern: { q_proj: 4, "layers.[01].*v_proj": 2 },
  alpha_pattern: { "v.*": 2 },
  layers_to_transform: [0],
  exclude_modules: null,
  use_dora: false,
  use_rslora: false,
};

const PATHS = [0, 1, 2].flatMap((layer) =>
  ["q_proj", "k_proj", "v_proj"].map((name) =>
    `model.layers.${layer}.self_attn.${name}`
  )
);

const RULES = [
  "all-linear",
  ".*\\.(q|v)_proj",
  "(?i).*Q_PROJ",
  "^model\\.layers\\.[0-9]+\\.self_attn\\.(q_proj|v_proj)$",
  "(([a-z.0-9_]+)+)+X",
  "(?P<a>.)(?P=a)",
];

/** adapter_config.json, and the layers that it names. */
export function adapter(): Promise<DrawInput> {
  return Promise.resolve((chance) => {
    const rule = chance.oneIn(3) ? { target_modules: chance.pick(RULES) } : {};
    const config = mutateObject(chance, { ...ADAPTER, ...rule });
    return {
      words: "a changed adapter_config.json",
      run() {
        const read = readAdapterConfig(config);
        for (const path of matchTargets(read.target_modules, PATHS)) {
          const { r, scale } = layerAdapter(read, path);
          hold(
            Number.isSafeInteger(r) && r > 0 && Number.isFinite(scale),
            () => `rank ${r} and scale ${scale} are accepted`,
          );
        }
      },
      show: () => asLine(JSON.stringify(config)),
    };
  });
}

/** Most layers of a model, and of bytes of one layer's row: far beyond any that exists. */
const MOST = { layers: 10_000, size: 2 ** 31 };

/** Fails where a config that was accepted has a number that no model has. */
function checkConfig(read: ModelConfig): void {
  const { windows, layerRopes, num_hidden_layers } = read;
  const sizes = [
    ...[read.hidden_size, read.intermediate_size, read.vocab_size],
    ...[read.num_attention_heads, read.num_key_value_heads],
    ...[num_hidden_layers, read.head_dim, read.max_position_embeddings],
    ...windows.filter((window) => window !== undefined),
  ];
  hold(
    sizes.every((size) => Number.isSafeInteger(size) && size > 0),
    () => `sizes ${sizes} are accepted`,
  );
  hold(
    num_hidden_layers <= MOST.layers && read.hidden_size <= MOST.size,
    () => `${num_hidden_layers} layers are accepted`,
  );
  const numbers = [
    ...[read.rms_norm_eps, read.initializer_range],
    ...Object.values(read.scales),
    ...[read.attn_logit_softcapping ?? 1, read.final_logit_softcapping ?? 1],
    ...Object.values(read.ropes).flatMap(
      ({ attentionFactor, inverseFrequencies }) => [
        attentionFactor,
        ...inverseFrequencies,
      ],
    ),
  ].filter((one) => typeof one === "number");
  hold(numbers.every(Number.isFinite), () => `numbers ${numbers} are accepted`);
  hold(
    windows.length === num_hidden_layers &&
      layerRopes.length === num_hidden_layers,
    () => `${windows.length} windows are accepted`,
  );
}

/** config.json of every family in the fixtures. */
export function config(): Promise<DrawInput> {
  const folder = "tests/fixtures/reference/models";
  const all = projectNames(folder).filter((name) => name !== "README.md")
    .map((name) => JSON.parse(projectText(`${folder}/${name}/config.json`)));
  return Promise.resolve((chance) => {
    const json = mutateObject(chance, chance.pick(all));
    return {
      words: "a changed config.json",
      run: () => checkConfig(readModelConfig(json)),
      show: () => asLine(JSON.stringify(json)),
    };
  });
}
