import { assertEquals, assertRejects } from "@std/assert";
import { basename } from "@std/path";
import { datasetFiles } from "../../../src/files/records/dataset_files.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

test(
  "datasetFiles() finds the split in a folder and says what is there if not",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const train = await folder.write("train.jsonl.gz", "x");
    await folder.write("test.json", "x");
    await folder.write("test.jsonl", "x");
    await folder.write("train_sft.json", "x");
    assertEquals(await datasetFiles(folder.path, "train"), {
      files: [train],
      bare: false,
    });
    assertEquals(await datasetFiles(train, "test"), {
      files: [train],
      bare: true,
    });
    await assertRejects(
      () => datasetFiles(folder.path, "eval"),
      Deno.errors.NotFound,
      'found "test.json", "test.jsonl", "train.jsonl.gz", "train_sft.json", expected one "eval.*"',
    );
    await assertRejects(
      () => datasetFiles(folder.path, "test"),
      TypeError,
      'found "test.json", "test.jsonl"',
    );
    await assertRejects(
      () => datasetFiles(folder.file("none"), "train"),
      Deno.errors.NotFound,
      "no such file or folder",
    );
  },
);

test(
  "datasetFiles() takes shards in order, below data/ and in folders named after the split",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await Deno.mkdir(folder.file("data"));
    await Deno.mkdir(folder.file("test"));
    for (
      const name of [
        "data/train-00001-of-00002.parquet",
        "data/train-00000-of-00002.parquet",
        "data/train_gen-00000-of-00001.parquet",
        "test/part.csv",
        "dataset_infos.json",
      ]
    ) await folder.write(name, "x");
    const names = async (split: string) =>
      (await datasetFiles(folder.path, split)).files.map((path) =>
        basename(path)
      );
    assertEquals(await names("train"), [
      "train-00000-of-00002.parquet",
      "train-00001-of-00002.parquet",
    ]);
    assertEquals(await names("test"), ["part.csv"]);
  },
);

test(
  "datasetFiles() takes a pattern, or a folder that names no split, as rows of all splits",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const [a, b] = [
      await folder.write("a-1.jsonl", "x"),
      await folder.write("b-1.csv.zst", "x"),
    ];
    await folder.write("README.md", "x");
    await folder.write("LICENSE.txt", "x");
    assertEquals(await datasetFiles(folder.path, "train"), {
      files: [a, b],
      bare: true,
    });
    assertEquals(await datasetFiles(folder.file("*-1.jsonl"), "train"), {
      files: [a],
      bare: true,
    });
    assertEquals((await datasetFiles(folder.file("**/*"), "test")).files, [
      a,
      b,
    ]);
    await assertRejects(
      () => datasetFiles(folder.file("c*.json"), "train"),
      Deno.errors.NotFound,
      "no file fits the pattern",
    );
  },
);

test(
  "datasetFiles() refuses a folder or a pattern that lacks shards, naming them",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await Deno.mkdir(folder.file("data"));
    const write = (name: string) => folder.write(`data/${name}`, "x");
    const first = await write("train-00000-of-00003-0f3a9c41d2b7e655.jsonl");
    await write("test-00000-of-00001.jsonl");
    const all = folder.file("data/train-*.jsonl");
    for (const path of [folder.path, all]) {
      await assertRejects(
        () => datasetFiles(path, "train"),
        Deno.errors.NotFound,
        '2 of the 3 shards that "',
      );
    }
    assertEquals((await datasetFiles(folder.path, "test")).files.length, 1);
    const chosen = folder.file("data/train-0000[01]-of-*.jsonl");
    assertEquals((await datasetFiles(chosen, "train")).files, [first]);
    assertEquals((await datasetFiles(first, "train")).files, [first]);
    await write("train-00001-of-00003-0f3a9c41d2b7e655.jsonl");
    await write("train-00002-of-00003-0f3a9c41d2b7e655.jsonl");
    assertEquals((await datasetFiles(folder.path, "train")).files.length, 3);
  },
);
