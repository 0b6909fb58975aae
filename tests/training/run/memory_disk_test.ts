/** A run that reads and writes in memory alone. */
import { assertEquals } from "@std/assert";
import { readOptions } from "../../../src/base/read_options.ts";
import { disk, useDisk } from "../../../src/files/disk.ts";
import { readText } from "../../../src/files/disk/whole_file.ts";
import { openSafetensors } from "../../../src/files/safetensors/safetensors.ts";
import { trainSchema } from "../../../src/training/options/train_schema.ts";
import { runTraining } from "../../../src/training/run/run.ts";
import { memoryDisk } from "../../files/memory_disk.ts";
import { gpuTest } from "../../kernels/gpu_test_case.ts";

const MODEL = "model_hub/tiny";
const PAIRS = "data/tiny/dpo/train.jsonl";

await gpuTest(
  "runTraining() reads and writes in a disk in memory alone",
  async (device) => {
    const machine = disk();
    const memory = memoryDisk();
    for await (const { name } of machine.list(MODEL)) {
      memory.put(`base/${name}`, await machine.readFile(`${MODEL}/${name}`));
    }
    memory.put("pairs.jsonl", await machine.readFile(PAIRS));
    using _memory = useDisk(memory);
    const { options } = readOptions(trainSchema, [{
      model_name_or_path: "base",
      dataset: "pairs.jsonl",
      max_train_samples: 4,
      max_steps: 2,
      per_device_train_batch_size: 2,
      logging_steps: 1,
      save_strategy: "steps",
      save_steps: 1,
      save_total_limit: 1,
      use_peft: true,
      lora_r: 2,
      output_dir: "run",
    }]);
    await runTraining(device, options, { cacheFolder: "cache" });
    const rows = (await readText("run/metrics.jsonl")).trimEnd().split("\n")
      .map((line) => JSON.parse(line));
    assertEquals(rows.map(({ step }) => step), [1, 2]);
    assertEquals(Math.abs(rows[0].loss - Math.LN2) < 1e-6, true);
    const { tensors } = await openSafetensors("run/adapter_model.safetensors");
    assertEquals(tensors.size > 0, true);
    const written = memory.paths().filter((path) =>
      path.startsWith("/run/checkpoint-")
    );
    assertEquals(
      new Set(written.map((path) => path.split("/")[2])),
      new Set(["checkpoint-2"]),
    );
  },
  { read: [MODEL, PAIRS] },
);
