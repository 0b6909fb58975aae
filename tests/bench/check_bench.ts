/**
 * What the check of a pipeline costs beside its compilation, without the driver's cache on disk:
 *
 *   MESA_SHADER_CACHE_DISABLE=true deno run -P=bench tests/bench/check_bench.ts [FAMILIES]
 *
 * One kernel of each shader file, or those whose names begin with a word. Compilation is the
 * pipeline and its first launch less a second one; the check is everything else but the wait for
 * the device, which some pipelines share.
 */
// deno-lint-ignore-file no-console
import {
  launchCheck,
  prepareCheck,
} from "../../kernels/checks/check_pipeline.ts";
import { openDevice } from "../../kernels/device/open_deno.ts";
import { createPipelines } from "../../kernels/device/pipelines.ts";
import { everyKernel } from "../../kernels/every_kernel.ts";
import { kernelFiles } from "../kernels/kernel_files.ts";

const words = Deno.args;
using device = await openDevice();
const pipelines = createPipelines(device.gpu);
const seen = new Set<string>();
const total = { compile: 0, check: 0 };
for (const kernel of everyKernel(kernelFiles())) {
  const family = kernel.name.replace(/_\d.*$/, "");
  const isAsked = words.length === 0 ||
    words.some((word) => family.startsWith(word));
  if (!isAsked || seen.has(family)) continue;
  seen.add(family);
  const pipeline = await timed(() => pipelines(kernel, {}));
  const prepared = await timed(() => prepareCheck(kernel, {}));
  const launch = () => launchCheck(device.gpu, pipeline.value, prepared.value);
  const first = await timed(launch);
  const compiled = await timed(() => first.value.done);
  const again = await timed(launch);
  const waited = await timed(() => again.value.done);
  const compared = await timed(() => again.value.compare());
  if (compared.value) throw new Error(JSON.stringify(compared.value));
  first.value.destroy();
  again.value.destroy();
  const compile = pipeline.time + first.time + compiled.time - again.time -
    waited.time;
  const own = prepared.time + again.time + compared.time;
  total.compile += compile;
  total.check += own;
  console.log(row(family, compile, own));
}
console.log(row("all", total.compile, total.check));

async function timed<T>(
  run: () => T | Promise<T>,
): Promise<{ value: T; time: number }> {
  const began = performance.now();
  const value = await run();
  return { value, time: performance.now() - began };
}

function row(name: string, compile: number, check: number): string {
  return `${name.padEnd(28)} compile ${
    compile.toFixed(0).padStart(6)
  } ms, check ${check.toFixed(1).padStart(6)} ms, ${
    (100 * check / compile).toFixed(1)
  } %`;
}
