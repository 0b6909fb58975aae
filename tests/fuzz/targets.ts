/** The targets of the fuzzer by name. */
import type { FuzzTarget } from "./fuzz_target.ts";
import { checkpoint } from "./targets/checkpoint.ts";
import { generation } from "./targets/generation.ts";
import { gguf } from "./targets/gguf.ts";
import { hub } from "./targets/hub.ts";
import { adapter, config } from "./targets/model_files.ts";
import { imports, recipe } from "./targets/recipes.ts";
import * as records from "./targets/records.ts";
import { rows } from "./targets/rows.ts";
import { safetensors } from "./targets/safetensors.ts";
import { template, tokenizer } from "./targets/text_files.ts";

/** Opened when they run: only they need the device. */
const kernels: FuzzTarget = async () =>
  (await import("./targets/kernels.ts")).kernels();

/** Targets, in the order of the work: data, recipes, models, hubs, kernels. */
export const TARGETS: Readonly<Record<string, FuzzTarget>> = {
  jsonl: records.jsonl,
  json: records.json,
  csv: records.csv,
  txt: records.txt,
  parquet: records.parquet,
  arrow: records.arrow,
  archives: records.archives,
  rows,
  recipe,
  import: imports,
  safetensors,
  config,
  adapter,
  tokenizer,
  template,
  generation,
  checkpoint,
  gguf,
  hub,
  kernels,
};
