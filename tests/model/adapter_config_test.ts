import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  adapterConfigJson,
  adapterScale,
  readAdapterConfig,
} from "../../src/model/adapter_config.ts";
import { compared, referencePath } from "../reference_dir.ts";

const checks = { sanitizeOps: true, sanitizeResources: true } as const;
const pure = { ...checks, permissions: "none" } as const;

const LORA = {
  peft_type: "LORA",
  r: 8,
  lora_alpha: 16,
  target_modules: ["q_proj", "v_proj"],
};

Deno.test(
  "readAdapterConfig() reads what is there and takes PEFT's defaults for the rest",
  pure,
  () => {
    assertEquals(readAdapterConfig(LORA), {
      r: 8,
      lora_alpha: 16,
      lora_dropout: 0,
      target_modules: ["q_proj", "v_proj"],
      use_rslora: false,
    });
  },
);

Deno.test(
  "readAdapterConfig() names all that is missing or not served at once",
  pure,
  () => {
    const { message } = assertThrows(() =>
      readAdapterConfig({
        peft_type: "IA3",
        lora_alpha: "16",
        bias: "all",
        use_dora: true,
        rank_pattern: { q_proj: 4 },
        modules_to_save: ["norm"],
        exclude_modules: "k_proj",
      }), TypeError);
    assert(message.startsWith("Cannot load adapter: in adapter_config.json"));
    for (
      const part of [
        '"peft_type" is "IA3", expected "LORA"',
        '"bias" is "all", only "none" is served',
        '"use_dora" is true, only false is served',
        '"rank_pattern" is {"q_proj":4}, only {} is served',
        '"modules_to_save" is ["norm"], only null is served',
        '"exclude_modules" is "k_proj", only null is served',
        '"r" is undefined, expected a number',
        '"lora_alpha" is "16", expected a number',
        '"target_modules" is undefined, expected text or a list of names',
      ]
    ) assert(message.includes(part), `${part} in ${message}`);
  },
);

Deno.test(
  "adapterScale() is alpha / r, and alpha / sqrt(r) for rank-stabilised adapters",
  pure,
  () => {
    const config = readAdapterConfig({ ...LORA, r: 16, lora_alpha: 8 });
    assertEquals(adapterScale(config), 0.5);
    assertEquals(adapterScale({ ...config, use_rslora: true }), 2);
  },
);

Deno.test(
  "adapterConfigJson() gives what readAdapterConfig() reads",
  pure,
  () => {
    for (const target_modules of ["all-linear", ["q_proj"]]) {
      for (const use_rslora of [false, true]) {
        const config = {
          ...{ r: 4, lora_alpha: 6, lora_dropout: 0.1 },
          ...{ target_modules, use_rslora },
        };
        const json = adapterConfigJson(config, "base");
        assertEquals(json["base_model_name_or_path"], "base");
        assertEquals(readAdapterConfig(json), config);
      }
    }
  },
);

const PEFT: Readonly<Record<string, string | undefined>> = {
  lora: undefined,
  rslora: undefined,
  dora: '"use_dora" is true',
  patterns: '"rank_pattern" is',
  with_saved_norms: '"modules_to_save" is',
};

for (const [name, refused] of Object.entries(PEFT)) {
  const path = referencePath(`peft/${name}/adapter_config.json`);
  Deno.test({
    ...checks,
    name: `readAdapterConfig() ${
      refused ? "refuses" : "reads"
    } PEFT's own ${name}${path ? "" : " (skipped: no reference)"}`,
    ignore: path === undefined,
    permissions: { read: path === undefined ? [] : [path] },
    fn() {
      const json = JSON.parse(Deno.readTextFileSync(path!));
      if (refused) {
        assertThrows(() => readAdapterConfig(json), TypeError, refused);
      } else assertEquals(readAdapterConfig(json).r, json.r);
      compared("peft");
    },
  });
}
