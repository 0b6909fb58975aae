/** `deno task export-gguf`: a model, or an adapter on its base, as a GGUF file with a Modelfile beside it. */
// deno-lint-ignore-file no-console
import {
  exportGguf,
  exportGgufSchema,
  formatBytes,
  ollamaModelfile,
  openDevice,
} from "../mod.ts";
import { memoryBudget, taskProgress } from "./console.ts";
import { readTaskOptions, runTask } from "./run_task.ts";
import { orInterrupted, stopSignal } from "./stop_signal.ts";

await runTask(async () => {
  const { options } = await readTaskOptions(exportGgufSchema, {
    command: "deno task export-gguf",
    summary:
      "Writes a model as a GGUF file for llama.cpp and Ollama, reads it back and compares every number.",
  });
  const signal = stopSignal();
  using device = options.adapter_name_or_path === null
    ? undefined
    : await openDevice(memoryBudget());
  return await orInterrupted(async () => {
    const { bytes, types, modelfile, notes } = await exportGguf(
      device,
      options,
      {
        signal,
        onLoad: taskProgress("load", "bytes"),
        onMerge: taskProgress("merge", "bytes"),
        onWrite: taskProgress("write", "bytes"),
        onCheck: taskProgress("compare", "numbers"),
        modelfile: ollamaModelfile,
      },
    );
    const counts = Object.entries(types).map(([type, n]) => `${n} ${type}`);
    console.log(`${formatBytes(bytes)}: ${counts.join(", ")} tensors`);
    for (const note of notes) console.log(`note: ${note}`);
    console.log(`for Ollama: ollama create NAME -f ${modelfile}`);
    console.log(`done: ${options.output}`);
  });
});
