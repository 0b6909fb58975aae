/**
 * `deno task download`: brings the model and the data that a recipe names from Hugging Face or
 * ModelScope.
 */
// deno-lint-ignore-file no-console
import { type Progress, startProgress } from "../src/base/progress.ts";
import { formatBytes } from "../src/base/units.ts";
import {
  download,
  downloadCommand,
  type DownloadHooks,
  downloadKeys,
} from "../src/commands/download.ts";
import { endAtOnce } from "./interrupt.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

/** Shows one repository after the other: how far it is, then its files. */
function showDownloads(): Pick<DownloadHooks, "onProgress" | "onRepo"> {
  let progress: Progress | undefined;
  return {
    onProgress(label, { done, total, file }) {
      progress ??= startProgress({
        label,
        unit: "bytes",
        total,
        start: done,
        terminal: Deno.stderr.isTerminal(),
        write: (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
      });
      progress.update(done, file);
    },
    onRepo(_, { folder, files }) {
      progress?.finish();
      progress = undefined;
      for (const [path, { size, kept }] of files) {
        const was = kept ? "  was there" : "";
        console.log(`${folder}/${path}  ${formatBytes(size)}${was}`);
      }
    },
  };
}

await runTask(async () => {
  const { options } = await readTaskOptions(downloadCommand, downloadKeys);
  await endAtOnce();
  const downloaded = await download(options, {
    ...showDownloads(),
    environment: (name) => Deno.env.get(name),
  });
  if (downloaded.length === 0) {
    const { model_name_or_path: model, dataset } = options;
    console.log(`nothing to download: ${model ?? dataset} is here`);
  }
});
