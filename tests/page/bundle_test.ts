/**
 * Training and generation in a browser: what a bundle of them holds, and that it runs where there
 * is no Deno.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { fromFileUrl, toFileUrl } from "@std/path";
import { openDevice } from "../../kernels/device/open_deno.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
import type { PageOutput } from "./train_in_page.ts";
import { test } from "../test_case.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const OPTIONS = {
  permissions: { read: true, write: [TEMPORARY], run: ["deno"] },
  sanitizeOps: true,
  sanitizeResources: true,
};

/** What a program printed; fails with what it said if it failed. */
async function run(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args,
    cwd: ROOT,
    env: { DENO_WEBGPU_BACKEND: "vulkan", XDG_RUNTIME_DIR: "/tmp" },
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

/** Bundles a module for browsers. */
async function bundle(entry: string, output: string): Promise<string> {
  await run("bundle", "-q", "--platform", "browser", "-o", output, entry);
  return await Deno.readTextFile(output);
}

test(
  "a bundle of training and generation for browsers names neither Deno nor node",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const text = await bundle(
      "tests/page/train_in_page.ts",
      folder.file("page.js"),
    );
    const named = text.match(/\bDeno\.\w+|\bnode:\w+/g) ?? [];
    assertEquals(named, []);
    const reached = await bundle(
      "kernels/device/open_deno.ts",
      folder.file("deno.js"),
    );
    assert(/\bDeno\.env/.test(reached), "the same search finds what is there");
  },
);

const hasGpu = await openDevice().then((device) => {
  device[Symbol.dispose]();
  return true;
}, () => false);

/**
 * Reads what a page is given, takes Deno and node away as browsers have neither, then runs the
 * bundle.
 */
const PAGE = (bundle: string) => `
  const model = {};
  for (const { name } of Deno.readDirSync("model_hub/tiny")) {
    model[name] = Deno.readFileSync("model_hub/tiny/" + name);
  }
  const pairs = Deno.readTextFileSync("data/tiny/dpo/train.jsonl").split("\\n").slice(0, 4).join("\\n");
  for (const name of ["Deno", "process", "Buffer", "global"]) delete globalThis[name];
  const { trainInPage } = await import(${
  JSON.stringify(toFileUrl(bundle).href)
});
  console.log(JSON.stringify(await trainInPage({ model, pairs })));`;

test({
  ...OPTIONS,
  name: `the bundle trains and answers where there is no Deno${
    hasGpu ? "" : " (skipped: no WebGPU adapter)"
  }`,
  ignore: !hasGpu,
  async fn() {
    await using folder = await temporaryFolder();
    const file = folder.file("page.js");
    await bundle("tests/page/train_in_page.ts", file);
    const page = await folder.write("run.js", PAGE(file));
    const printed = await run(
      "run",
      "-q",
      "--no-prompt",
      "--no-config",
      `--allow-read=model_hub,data,${folder.path}`,
      page,
    );
    const { losses, saved, answer }: PageOutput = JSON.parse(printed);
    assertEquals(losses.length, 2);
    // before the first step policy and reference are one model: the margin is 0
    assertAlmostEquals(losses[0]!, Math.LN2, 1e-6);
    assert(losses[1]! < Math.LN2);
    assert(saved > 10);
    assert(answer.length > 0);
  },
});
