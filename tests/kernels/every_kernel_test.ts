/**
 * The texts of all kernels in all sizes: that shader files alone write them, that none is forgotten
 * in the list, and that a device takes them. To read them: `deno task kernels --out=FOLDER`.
 */
import { assertEquals } from "@std/assert";
import {
  everyKernel,
  isExpanded,
  SHADERS,
} from "../../kernels/every_kernel.ts";
import { test } from "../test_case.ts";
import { gpuTest } from "./gpu_test_case.ts";

const KERNELS = new URL("../../kernels/", import.meta.url);
const read = { permissions: { read: true } } as const;

/** Texts of the files below a folder with an ending, by their names. */
function textsIn(folder: URL, ending: string): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) {
      Object.assign(texts, textsIn(new URL(`${name}/`, folder), ending));
    } else if (name.endsWith(ending)) {
      texts[name] = Deno.readTextFileSync(new URL(name, folder));
    }
  }
  return texts;
}

function kernels() {
  const texts = Object.entries(textsIn(KERNELS, ".wgsl"));
  const named = texts.map(([name, text]) => [name.slice(0, -5), text]);
  return [...everyKernel(Object.fromEntries(named))];
}

test(
  "everyKernel() gives texts under names of their own, without marks",
  read,
  () => {
    const all = kernels();
    const names = all.map(({ name }) => name);
    assertEquals(new Set(names).size, names.length);
    const unfinished = all.filter(({ source }) =>
      !source.includes("@compute") || /\/\/#|#\{|#\[/.test(source)
    );
    assertEquals(unfinished.map(({ name }) => name), []);
  },
);

test(
  "every shader file that is expanded is listed or used by another",
  read,
  () => {
    const files = textsIn(KERNELS, ".wgsl");
    const used = Object.values(files).flatMap((text) =>
      [...text.matchAll(/^\s*\/\/#use "([^"]+)"/gm)].map(([, name]) => name!)
    );
    const listed = SHADERS.map(({ file }) => file);
    const expanded = Object.keys(files).filter((name) =>
      isExpanded(files[name]!)
    );
    assertEquals(new Set([...listed, ...used]), new Set(expanded));
    assertEquals(listed.filter((name) => used.includes(name)), []);
    assertEquals(new Set(listed).size, listed.length);
  },
);

test("no shader is written in TypeScript", read, () => {
  const scripts = Object.entries(textsIn(KERNELS, ".ts"));
  const writers = scripts.filter(([, text]) =>
    /@compute @workgroup_size|textureLoad\(|workgroupBarrier\(/.test(text)
  );
  assertEquals(writers.map(([name]) => name), []);
});

/** What a device says against a shader's text; empty where it takes it. */
async function complaints(gpu: GPUDevice, code: string): Promise<string[]> {
  gpu.pushErrorScope("validation");
  gpu.createShaderModule({ code });
  const error = await gpu.popErrorScope();
  return error ? [error.message] : [];
}

await gpuTest(
  "the driver takes the text of every seventh kernel",
  async ({ gpu }) => {
    assertEquals((await complaints(gpu, "fn main( {")).length, 1);
    // all 1,394 take a minute and a half of a processor; 7 divides no count of a loop over sizes
    for (const { name, source } of kernels().filter((_, i) => i % 7 === 0)) {
      assertEquals([name, ...await complaints(gpu, source)], [name]);
    }
  },
  { kinds: ["cpu"], read: true },
);
