/**
 * `deno task download`: brings the model and the data that a recipe names from Hugging Face or ModelScope.
 */
// deno-lint-ignore-file no-console
import {
  type DownloadJob,
  downloadJobs,
  downloadKeys,
  downloadRepo,
  downloadSchema,
  type DownloadTaskOptions,
  formatBytes,
  type Progress,
  startProgress,
} from "../mod.ts";
import { readTaskOptions, runTask } from "./run_task.ts";

const environment = {
  huggingface: { endpoint: "HF_ENDPOINT", token: "HF_TOKEN" },
  modelscope: {
    endpoint: "MODELSCOPE_ENDPOINT",
    token: "MODELSCOPE_API_TOKEN",
  },
};

/** Endpoint and token: the options' own, else the environment's. */
function accessOf(job: DownloadJob, options: DownloadTaskOptions) {
  const names = environment[job.repo.source];
  const endpoint = options.endpoint ?? Deno.env.get(names.endpoint);
  const token = options.token ?? Deno.env.get(names.token);
  return { ...(endpoint && { endpoint }), ...(token && { token }) };
}

async function download(job: DownloadJob, options: DownloadTaskOptions) {
  const { repo, ...where } = job;
  let progress: Progress | undefined;
  const { folder, files } = await downloadRepo(repo, {
    ...where,
    ...accessOf(job, options),
    parallel: options.parallel,
    onProgress(done, total, file) {
      progress ??= startProgress({
        label: repo.name,
        unit: "bytes",
        total,
        start: done,
        terminal: Deno.stderr.isTerminal(),
        write: (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
      });
      progress.update(done, file);
    },
  });
  progress?.finish();
  for (const [path, { size, kept }] of files) {
    console.log(
      `${folder}/${path}  ${formatBytes(size)}${kept ? "  was there" : ""}`,
    );
  }
}

await runTask(async () => {
  const { options } = await readTaskOptions(downloadSchema, {
    command: "deno task download",
    summary:
      "Downloads models and datasets from Hugging Face or ModelScope, safetensors only.",
  }, downloadKeys);
  Deno.addSignalListener("SIGINT", () => Deno.exit(130)); // what is there stays
  for (const job of downloadJobs(options)) await download(job, options);
});
