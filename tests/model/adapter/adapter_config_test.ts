import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  adapterConfigJson,
  layerAdapter,
  PLAIN_ADAPTER,
  readAdapterConfig,
} from "../../../src/model/adapter/adapter_config.ts";
import {
  matchTargets,
  namesPath,
} from "../../../src/model/adapter/target_modules.ts";
import { compared, referenceEntries } from "../../reference_dir.ts";
import { eachCase, referenceTest } from "../../reference_test_case.ts";
import { test } from "../../test_case.ts";

const checks = { sanitizeOps: true, sanitizeResources: true } as const;
const pure = { ...checks, permissions: "none" } as const;

const LORA = {
  peft_type: "LORA",
  r: 8,
  lora_alpha: 16,
  target_modules: ["q_proj", "v_proj"],
};

test(
  "readAdapterConfig() reads what is there and takes PEFT's defaults for the rest",
  pure,
  () => {
    assertEquals(readAdapterConfig(LORA), {
      r: 8,
      lora_alpha: 16,
      lora_dropout: 0,
      target_modules: ["q_proj", "v_proj"],
      mayMiss: true,
      ...PLAIN_ADAPTER,
    });
  },
);

test(
  "readAdapterConfig() names all that is missing or not served at once",
  pure,
  () => {
    const { message } = assertThrows(() =>
      readAdapterConfig({
        peft_type: "IA3",
        lora_alpha: "16",
        bias: "all",
        rank_pattern: { q_proj: -4 },
        layers_to_transform: "last",
        layers_pattern: "blocks",
        modules_to_save: [3],
        init_lora_weights: "pissa",
      }), TypeError);
    assert(message.startsWith("Cannot load adapter: in adapter_config.json"));
    for (
      const part of [
        '"peft_type" is "IA3", expected "LORA"',
        '"bias" is "all", only "none" is served',
        '"rank_pattern" is {"q_proj":-4}, expected names with positive integers',
        '"layers_to_transform" is "last", expected numbers of layers',
        '"layers_pattern" is "blocks", only null is served',
        '"modules_to_save" is [3], expected text or a list of names',
        '"init_lora_weights" is "pissa", only true is served',
        '"r" is undefined, expected a positive integer',
        '"lora_alpha" is "16", expected a number',
        '"target_modules" is undefined, expected text or a list of names',
      ]
    ) assert(message.includes(part), `${part} in ${message}`);
  },
);

test("readAdapterConfig() refuses what no adapter can have", pure, () => {
  const nested = "(([a-z.0-9_]+)+)+X(?!x)";
  const cases: readonly [Record<string, unknown>, string][] = [
    [{ r: 0 }, '"r" is 0, expected a positive integer'],
    ...["use_dora", "use_rslora", "ensure_weight_tying"].map(
      (key): [Record<string, unknown>, string] => [
        { [key]: "false" },
        `"${key}" is "false", expected true or false`,
      ],
    ),
    [{ lora_alpha: null }, '"lora_alpha" is null, expected a number'],
    [
      { alpha_pattern: { q_proj: 1e300 } },
      '"alpha_pattern" is {"q_proj":1e+300}, expected names with numbers of 0 to',
    ],
    [{ r: 0.5 }, '"r" is 0.5, expected a positive integer'],
    [{ r: [8] }, '"r" is [8], expected a positive integer'],
    [{ lora_alpha: 1e999 }, '"lora_alpha" is null, expected a number'],
    [{ lora_alpha: null }, '"lora_alpha" is null, expected a number of 0 to'],
    [{ lora_alpha: 1e300 }, '"lora_alpha" is 1e+300, expected a number'],
    [{ lora_alpha: -4 }, '"lora_alpha" is -4, expected a number of 0 to'],
    [{ lora_dropout: 1.5 }, '"lora_dropout" is 1.5, expected a number of 0 to'],
    [{ rank_pattern: { q: 0.5 } }, '"rank_pattern" is {"q":0.5}'],
    [{ rank_pattern: [4] }, '"rank_pattern" is [4]'],
    [
      { rank_pattern: { "(": 4 } },
      '"rank_pattern": the pattern "(" is not a regular expression',
    ],
    [
      { alpha_pattern: { [nested]: 4 } },
      `"alpha_pattern": the pattern "${nested}" has too many ways to match`,
    ],
    [{ bias: "x".repeat(1e6) }, "... (1000002 characters), only"],
  ];
  for (const [keys, found] of cases) {
    const { message } = assertThrows(
      () => readAdapterConfig({ ...LORA, ...keys }),
      TypeError,
    );
    assert(message.includes(found), `${found} in ${message.slice(0, 500)}`);
    assert(message.length < 1000);
  }
});

test("target_modules of an adapter end where they name nothing", pure, () => {
  const endless = "(([a-z.0-9_]+)+)+X";
  const paths = ["model.layers.0.self_attn.q_proj"];
  assertThrows(
    () => matchTargets(endless, paths),
    TypeError,
    "matches no linear layer",
  );
  assertEquals(namesPath(endless, paths[0]!), false);
  const config = readAdapterConfig({ ...LORA, rank_pattern: { [endless]: 4 } });
  assertEquals(layerAdapter(config, paths[0]!).r, 8);
});

test(
  "layerAdapter() scales by alpha / r, and by alpha / sqrt(r) for rank-stabilised adapters",
  pure,
  () => {
    const config = readAdapterConfig({ ...LORA, r: 16, lora_alpha: 8 });
    const path = "model.layers.0.self_attn.q_proj";
    assertEquals(layerAdapter(config, path), { r: 16, scale: 0.5 });
    assertEquals(layerAdapter({ ...config, use_rslora: true }, path).scale, 2);
  },
);

test(
  "layerAdapter() takes the first pattern that a path ends in",
  pure,
  () => {
    const config = readAdapterConfig({
      ...LORA,
      rank_pattern: { "layers.1.self_attn.q_proj": 2, "q_proj": 4 },
      alpha_pattern: { "[qk]_proj": 32 },
    });
    const at = (path: string) => layerAdapter(config, `model.layers.${path}`);
    assertEquals(at("1.self_attn.q_proj"), { r: 2, scale: 16 });
    assertEquals(at("11.self_attn.q_proj"), { r: 4, scale: 8 });
    assertEquals(at("1.self_attn.k_proj"), { r: 8, scale: 4 });
    assertEquals(at("1.self_attn.v_proj"), { r: 8, scale: 2 });
  },
);

test(
  "adapterConfigJson() gives what readAdapterConfig() reads",
  pure,
  () => {
    for (const target_modules of ["all-linear", ["q_proj"]]) {
      for (const given of [false, true]) {
        const config = {
          r: 4,
          lora_alpha: 6,
          lora_dropout: 0.1,
          ...PLAIN_ADAPTER,
          target_modules,
          use_rslora: given,
          use_dora: given,
          exclude_modules: given ? ["k_proj"] : null,
          modules_to_save: given ? ["norm"] : null,
          rank_pattern: { q_proj: 2 },
          layers_to_transform: [1, 3],
          ...(given ? { ensure_weight_tying: true } : {}),
        };
        const json = adapterConfigJson(config, "base");
        assertEquals(json["base_model_name_or_path"], "base");
        assertEquals(readAdapterConfig(json), { ...config, mayMiss: true });
      }
    }
  },
);

test(
  "readAdapterConfig() takes a reward model's where rewards are asked for, under both names that PEFT gives heads",
  pure,
  () => {
    const json = { ...LORA, task_type: "SEQ_CLS" };
    const modules_to_save = ["norm", "classifier", "score"];
    const config = readAdapterConfig({ ...json, modules_to_save }, {
      rewards: true,
    });
    assertEquals(config.modules_to_save, ["norm", "score"]);
    assertEquals(config.rewardHead, true);
    assertEquals(
      readAdapterConfig(adapterConfigJson(config, "base"), { rewards: true }),
      config,
    );
    for (const [saved, rewards] of [[modules_to_save, false], [null, true]]) {
      assertThrows(
        () =>
          readAdapterConfig({ ...json, modules_to_save: saved }, {
            rewards: rewards === true,
          }),
        TypeError,
        '"task_type" "SEQ_CLS"',
      );
    }
  },
);

referenceTest("readAdapterConfig() reads PEFT's own", async (context) => {
  await eachCase(context, referenceEntries("peft"), ({ folder }) => {
    const text = Deno.readTextFileSync(`${folder}/adapter_config.json`);
    const json = JSON.parse(text);
    const config = readAdapterConfig(json);
    // what a file of another version of PEFT does not name has PEFT's default
    const { r, use_dora = false, use_rslora = false, modules_to_save = null } =
      json;
    assertEquals(
      [config.r, config.use_dora, config.use_rslora, config.modules_to_save],
      [r, use_dora, use_rslora, modules_to_save],
    );
    compared("peft");
  });
});

test(
  "readAdapterConfig() takes a key that is null as one that is absent, as newer PEFT writes",
  pure,
  () => {
    const keys = [
      "bias",
      "fan_in_fan_out",
      "init_lora_weights",
      "layers_pattern",
      "lora_bias",
      "lora_dropout",
      "modules_to_save",
      "rank_pattern",
      "alpha_pattern",
      "target_parameters",
      "use_dora",
      "use_rslora",
      "use_qalora",
      "ensure_weight_tying",
      "a_key_of_the_future",
    ];
    const nulls = Object.fromEntries(keys.map((key) => [key, null]));
    assertEquals(
      readAdapterConfig({ ...LORA, ...nulls }),
      readAdapterConfig(LORA),
    );
    const everyLayer = { ...LORA, layers_to_transform: [] };
    assertEquals(readAdapterConfig(everyLayer), readAdapterConfig(LORA));
  },
);
