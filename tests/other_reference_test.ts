/**
 * Tests that compare with the reference pass with another folder of the same layout: other names,
 * other orders, options that are absent, and parts that only the subset in the tree has.
 */
import { assert, assertEquals } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { fixturePath, FIXTURES } from "./fixture_path.ts";
import { test } from "./test_case.ts";
import { TEMPORARY, temporaryFolder } from "./temporary_folder.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

/** Test files without a device; each compares all that it finds of one kind. */
const FILES = [
  "tests/files/folders/model_folder_test.ts",
  "tests/model/adapter/adapter_config_test.ts",
  "tests/preference/tokens/epoch_test.ts",
  "tests/preference/tokens/length_test.ts",
  "tests/preference/tokens/tokenize_test.ts",
  "tests/text/chat_template_test.ts",
  "tests/training/loss/reference_losses_test.ts",
  "tests/training/optimizer/schedule_test.ts",
];

/** Copies the files that lie right in a folder of the subset. */
function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isFile } of Deno.readDirSync(fixturePath(from))) {
    if (isFile) {
      Deno.copyFileSync(fixturePath(`${from}/${name}`), join(to, name));
    }
  }
}

/** Writes a changed copy of a JSON file of the subset. */
function writeChanged(
  from: string,
  to: string,
  change: (value: Record<string, unknown>) => Record<string, unknown>,
): void {
  const value = JSON.parse(Deno.readTextFileSync(fixturePath(from)));
  Deno.mkdirSync(dirname(to), { recursive: true });
  Deno.writeTextFileSync(to, JSON.stringify(change(value)));
}

/** Every other one of a list, from the end to the start; what is no list stays as it is. */
const halfOf = (list: unknown) =>
  Array.isArray(list) ? list.filter((_, i) => i % 2 === 0).reverse() : list;

function writeReference(folder: string): void {
  const to = (path: string) => join(folder, path);
  for (const name of ["tokenizer", "tokenizer_bos"]) copyFolder(name, to(name));
  copyFolder("models/qwen2", to("models/another"));
  copyFolder("peft/lora", to("peft/mine"));
  writeChanged(
    "peft/lora/adapter_config.json",
    to("peft/mine/adapter_config.json"),
    (config) => ({ ...config, base_model_name_or_path: "models/another" }),
  );
  writeChanged(
    "trajectories/qwen2_sft/trajectory.json",
    to("trajectories/some_run/trajectory.json"),
    (run) => ({ ...run, base_model: "models/another" }),
  );
  for (const name of ["dpo_batch/dpo_batch.json", "other_losses.json"]) {
    writeChanged(
      name,
      to(name),
      (tables) =>
        mapValues(
          tables,
          (value, key) =>
            ["kinds", "cpo_simpo", "orpo", "kto"].includes(key)
              ? halfOf(value)
              : value,
        ),
    );
  }
  writeChanged("chat_templates.json", to("chat_templates.json"), (all) => ({
    ...all,
    templates: halfOf(all["templates"]),
  }));
}

function mapValues(
  record: Readonly<Record<string, unknown>>,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> {
  const changed = Object.entries(record).map(([key, value]) =>
    [key, change(value, key)] as const
  );
  return Object.fromEntries(changed);
}

test(
  "tests of the reference pass with a folder of other names, orders and sizes",
  {
    permissions: {
      read: [ROOT, FIXTURES, TEMPORARY],
      write: [TEMPORARY],
      run: ["deno"],
    },
  },
  async () => {
    await using folder = await temporaryFolder();
    writeReference(folder.path);
    const { code, stdout, stderr } = await new Deno.Command("deno", {
      args: ["test", "-P=test", "--no-check", "--filter=reference: ", ...FILES],
      cwd: ROOT,
      env: { NO_COLOR: "1", REFERENCE_DIR: folder.path },
    }).output();
    const decoder = new TextDecoder();
    const printed = decoder.decode(stdout);
    assertEquals(code, 0, printed + decoder.decode(stderr));
    for (const name of ["another", "mine", "some_run"]) {
      assert(new RegExp(`^ +${name} \\.\\.\\. ok`, "m").test(printed), name);
    }
  },
);
