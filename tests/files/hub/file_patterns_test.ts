import { assertEquals, assertThrows } from "@std/assert";
import { selectFiles } from "../../../src/files/hub/file_patterns.ts";
import {
  ALL_ENDINGS,
  DATA_ENDINGS,
} from "../../../src/files/records/data_kinds.ts";
import { readRecords } from "../../../src/files/records/records.ts";
import { test } from "../../test_case.ts";

const pure = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

const dataset = { repo: "owner/pairs", kind: "dataset" } as const;

/** Whether `readRecords()` goes on to open a file with that ending, which these tests may not. */
async function isRead(path: string): Promise<boolean> {
  try {
    await readRecords(path).next();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return true;
    if (error instanceof TypeError) return false;
    throw error;
  }
  throw new Error(`"${path}" was opened without permission`);
}

test(
  "selectFiles() downloads a dataset's files of each ending that readRecords() reads",
  pure,
  async () => {
    const paths = ALL_ENDINGS.flatMap((ending) => [
      `train${ending}`,
      `data/en/test-00000-of-00002${ending}`,
    ]);
    for (const path of paths) assertEquals(await isRead(path), true, path);
    assertEquals(selectFiles(paths, dataset), paths);
    for (const path of paths) {
      assertEquals(selectFiles([path], dataset), [path]);
    }
  },
);

test(
  "selectFiles() leaves out what readRecords() does not read",
  pure,
  async () => {
    const others = [
      "train.parquet.gz",
      "train.feather",
      "train.jsonl.xz",
      "train.gz",
      "train.py",
      "README.md",
    ];
    for (const path of others) assertEquals(await isRead(path), false, path);
    const paths = ["dpo_en.json", "train.parquet", ...others];
    assertEquals(selectFiles(paths, dataset), ["dpo_en.json", "train.parquet"]);
  },
);

test(
  "selectFiles() says which endings can be read where a dataset has none of them",
  pure,
  () => {
    for (const name of ["data.feather", "dataset_infos.json", "LICENSE.txt"]) {
      assertThrows(
        () => selectFiles([name], dataset),
        TypeError,
        `Cannot download "owner/pairs": found "${name}", none of which can be read, expected files that end in ${DATA_ENDINGS}`,
      );
    }
  },
);

test(
  "selectFiles() brings every chat template, and of a tokenizer's repository no weights",
  pure,
  () => {
    const templates = [
      "chat_template.jinja",
      "chat_template.json",
      "additional_chat_templates/tool_use.jinja",
    ];
    const words = ["tokenizer.json", "tokenizer_config.json", ...templates];
    const paths = [...words, "model.safetensors", "README.md"];
    const model = { repo: "owner/name", kind: "model" } as const;
    assertEquals(selectFiles(paths, model), [...words, "model.safetensors"]);
    const only = { ...model, tokenizerOnly: true };
    assertEquals(selectFiles(paths, only), words);
    assertThrows(
      () => selectFiles(["model.safetensors"], only),
      TypeError,
      'it has no "tokenizer.json"',
    );
  },
);
