/**
 * The page of what is served, made of the code's own tables, so that it cannot fall behind them.
 */
import { CODEBOOKS } from "../../kernels/matrix/codebooks.ts";
import { optionsOf } from "../../src/base/schema.ts";
import { DATA_ENDINGS } from "../../src/files/records/data_kinds.ts";
import { ARCHITECTURES } from "../../src/model/gguf/gguf_architectures.ts";
import { exportGgufSchema } from "../../src/model/gguf/export_gguf_options.ts";
import { FAMILIES } from "../../src/model/config/families.ts";
import { ROPE_KINDS } from "../../src/model/config/rope_kinds.ts";
import { DEMONSTRATION_FORMATS } from "../../src/preference/formats/demonstration_formats.ts";
import { FEEDBACK_FORMATS } from "../../src/preference/formats/feedback_formats.ts";
import { PREFERENCE_FORMATS } from "../../src/preference/formats/preference_formats.ts";
import { TEMPLATE_NAMES } from "../../src/text/template_files.ts";
import { lossNames } from "../../src/training/loss/losses.ts";
import { trainSchema } from "../../src/training/options/train_schema.ts";
import { methodNames } from "../../src/training/method/methods.ts";

const list = (names: readonly string[]) =>
  names.map((name) => `\`${name}\``).join(", ");

/** The values that an option may have. */
function choices(name: string): string {
  const type = optionsOf(trainSchema).get(name)?.type ?? "";
  return list(type.replace(/^one of /, "").split(", "));
}

function missing(all: readonly string[], some: readonly string[]): string {
  const rest = all.filter((name) => !some.includes(name));
  return rest.length === 0 ? "all of them" : `all but ${list(rest)}`;
}

/** What is served, a line each. */
export function servedTable(): string {
  const families = Object.keys(FAMILIES);
  const gguf = optionsOf(exportGgufSchema).get("type")?.type ?? "";
  const shapes = [PREFERENCE_FORMATS, FEEDBACK_FORMATS, DEMONSTRATION_FORMATS];
  const formats = new Set(shapes.flat().map(({ name }) => name)).size;
  const rows: [what: string, names: string][] = [
    ["families (`model_type`)", list(families)],
    ["rotary kinds", list(Object.keys(ROPE_KINDS))],
    ["types of frozen weights", choices("torch_dtype")],
    [
      "codes of frozen weights",
      list(["int8", ...Object.keys(CODEBOOKS)]) + ", scales nested or not",
    ],
    ["trainers", list(methodNames)],
    ["losses", list(lossNames)],
    ["divergences of `dpo`", choices("f_divergence_type")],
    ["adapters", list(Object.keys(trainSchema.groups["LoRA"]))],
    ["optimizers", choices("optim")],
    ["schedules", choices("lr_scheduler_type")],
    ["data files", `${DATA_ENDINGS}; folders, patterns`],
    ["dataset shapes", `${formats}: [formats.md](formats.md)`],
    [
      "mixing",
      "fractions, weights, probabilities, splits: [data.md](../data.md)",
    ],
    ["packing of `sft`", choices("packing_strategy")],
    [
      "chat templates",
      `the model's own Jinja; ${list(TEMPLATE_NAMES)} by name`,
    ],
    [
      "exports",
      "PEFT adapters; Hugging Face checkpoints, whole or merged; GGUF " +
      list(gguf.replace(/^one of /, "").split(", ")),
    ],
    ["families as GGUF", missing(families, Object.keys(ARCHITECTURES))],
  ];
  return ["| served | |", "| --- | --- |"].concat(
    rows.map(([what, names]) => `| ${what} | ${names} |`),
  ).join("\n");
}
