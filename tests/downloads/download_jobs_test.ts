/** What a recipe's models and data are on a hub. */
import { assertEquals, assertRejects } from "@std/assert";
import { readOptions } from "../../src/base/read_options.ts";
import {
  downloadJobs,
  downloadSchema,
} from "../../src/downloads/download_jobs.ts";
import { downloadKeys } from "../../src/downloads/recipe_repos.ts";
import { useDisk } from "../../src/files/disk.ts";
import { memoryDisk } from "../files/memory_disk.ts";
import { test } from "../test_case.ts";

const OPTIONS = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

type Given = Readonly<Record<string, unknown>>;

/** The repositories of a recipe, as `kind source name`. */
async function reposOf(recipe: Given, given: Given = {}): Promise<string[]> {
  const keys = await downloadKeys(recipe, given);
  const { options } = readOptions(downloadSchema, [keys, given]);
  return (await downloadJobs(options)).map(({ repo, tokenizerOnly }) =>
    [tokenizerOnly ? "tokenizer" : repo.kind, repo.source, repo.name].join(" ")
  );
}

/** A disk with these files. */
function diskOf(files: Readonly<Record<string, unknown>>) {
  const memory = memoryDisk();
  for (const [path, value] of Object.entries(files)) {
    memory.put(`/${path}`, new TextEncoder().encode(JSON.stringify(value)));
  }
  return useDisk(memory);
}

const MODEL = { model_name_or_path: "owner/small" };
const SMALL = "model huggingface owner/small";

test(
  "downloadJobs() brings every model of a recipe once, unless it is a path here",
  OPTIONS,
  async () => {
    using _disk = diskOf({ "tuned/mine/config.json": {} });
    const others = {
      ref_model: "owner/large", // TRL's name
      tokenizer_name_or_path: "owner/words",
      ref_adapter_name_or_path: "owner/small",
      adapter_name_or_path: "tuned/mine",
    };
    assertEquals(await reposOf({ ...MODEL, ...others, learning_rate: 1e-5 }), [
      SMALL,
      "model huggingface owner/large",
      "tokenizer huggingface owner/words",
    ]);
    const local = { ...MODEL, ref_model_name_or_path: "output/mine" };
    assertEquals(await reposOf(local), [SMALL]);
    assertEquals(await reposOf({ model_name_or_path: "tuned/mine" }), []);
    const missing = { model_name_or_path: "output/none" };
    await assertRejects(() => reposOf(missing), TypeError, '"output/none"');
  },
);

test("downloadJobs() brings the datasets of our recipes", OPTIONS, async () => {
  using _disk = diskOf({
    "mine/pairs/train.jsonl": {},
    "data/dataset_info.json": { named: { hf_hub_url: "owner/described" } },
  });
  const data = (...names: string[]) => [
    SMALL,
    ...names.map((name) => `dataset huggingface ${name}`),
  ];
  const cases: [Given, string[]][] = [
    [{ dataset: "owner/a" }, data("owner/a")],
    [{ dataset_name: "imdb" }, data("imdb")],
    [
      { dataset_mixer: { "owner/a": 1, "owner/b": 0.5 } },
      data("owner/a", "owner/b"),
    ],
    [{
      dataset_mixture: { datasets: [{ id: "owner/a" }, { id: "owner/a" }] },
      eval_dataset: "owner/e",
    }, data("owner/a", "owner/e")],
    [{
      dataset_mixture: {
        datasets: [{ id: "owner/a" }],
        eval_datasets: [{ id: "owner/e" }, { id: "owner/f" }],
      },
    }, data("owner/a", "owner/e", "owner/f")],
    [{ dataset: "owner/a", dataset_mixer: { "owner/b": 1 } }, data("owner/a")],
    [{ dataset: "named" }, data("owner/described")],
    [{ dataset: "mine/pairs" }, data()],
    [{ dataset: "data/mine" }, data()],
    [{ dataset: "pairs.jsonl.gz" }, data()],
    [{ dataset: "own/part-*.parquet" }, data()],
    [{
      dataset_mixer: { "owner/a": 1, "owner/b": 1 },
      download: { datasets: [{ source: "modelscope", repo: "owner/a" }] },
    }, [SMALL, "dataset modelscope owner/a", "dataset huggingface owner/b"]],
  ];
  for (const [recipe, repos] of cases) {
    assertEquals(await reposOf({ ...MODEL, ...recipe }), repos);
  }
});

test(
  "downloadJobs() brings the datasets of Axolotl's and LLaMA-Factory's recipes",
  OPTIONS,
  async () => {
    using _disk = diskOf({
      "sets/dataset_info.json": {
        both: { hf_hub_url: "owner/hf", ms_hub_url: "owner/ms" },
        chinese: { ms_hub_url: "owner/zh" },
        file: { file_name: "file.json" },
      },
    });
    const axolotl = {
      base_model: "owner/small",
      datasets: [
        { path: "owner/a", type: "chatml.intel" },
        { path: "json", data_files: ["mine/b.jsonl"], type: "alpaca" },
      ],
      test_datasets: [{ path: "owner/t", split: "test" }],
    };
    assertEquals(await reposOf(axolotl), [
      SMALL,
      "dataset huggingface owner/a",
      "dataset huggingface owner/t",
    ]);
    const llamaFactory = {
      ...MODEL,
      stage: "dpo",
      dataset_dir: "sets",
      dataset: "both, chinese,file,none",
    };
    assertEquals(await reposOf(llamaFactory), [
      SMALL,
      "dataset huggingface owner/hf",
      "dataset modelscope owner/zh",
    ]);
    const fromModelScope = { dataset_source: "modelscope" };
    assertEquals(await reposOf(llamaFactory, fromModelScope), [
      SMALL,
      "dataset modelscope owner/ms",
      "dataset modelscope owner/zh",
    ]);
  },
);

test(
  "downloadJobs() takes the command line's repository in place of the recipe's",
  OPTIONS,
  async () => {
    using _disk = diskOf({});
    const recipe = {
      ...MODEL,
      dataset: "owner/a",
      download: { model: { repo: "owner/small" } },
    };
    assertEquals(await reposOf(recipe, { dataset: "owner/b" }), [
      SMALL,
      "dataset huggingface owner/b",
    ]);
    assertEquals(await reposOf(recipe, { model_name_or_path: "owner/large" }), [
      "model huggingface owner/large",
      "dataset huggingface owner/a",
    ]);
  },
);
