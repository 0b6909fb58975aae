/** `deno task import-recipe` as a process of its own. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { parseRecipe } from "../../src/training/options/recipe.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
import { test } from "../test_case.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

const RECIPE = `
model_name_or_path: model_hub/tiny
stage: dpo
dataset: pairs
dataset_dir: DIR
flash_attn: fa2
output_dir: output/x
`;

async function importing(...words: string[]) {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "--no-check",
      "-P=import_recipe",
      `${ROOT}tasks/import_recipe.ts`,
      ...words,
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

test({
  name:
    "import-recipe prints a recipe that loads, and says in one line what it cannot do",
  permissions: { read: [TEMPORARY], write: [TEMPORARY], run: ["deno"] },
  sanitizeOps: true,
  sanitizeResources: true,
  async fn() {
    await using folder = await temporaryFolder();
    const info = { pairs: { file_name: "p.json", ranking: true } };
    await folder.write("dataset_info.json", JSON.stringify(info));
    const path = await folder.write(
      "lf.yaml",
      RECIPE.replace("DIR", folder.path),
    );
    const { code, out } = await importing(path);
    assertEquals(code, 0);
    assertStringIncludes(out, '//   "flash_attn": attention has one kernel');
    const { dataset_mixture, trainer } = parseRecipe(out, "x.jsonc");
    assertEquals(trainer, "dpo");
    assertEquals<unknown>(dataset_mixture, {
      datasets: [{ id: folder.file("p.json") }],
    });
    const denied = await importing(path, `--output=${folder.file("x.jsonc")}`);
    assertEquals(denied.code, 1);
    assertStringIncludes(denied.err, "--allow-write=recipes,");
    const missing = await importing(folder.file("none.yaml"));
    assertStringIncludes(missing.err, "error: Cannot read recipe");
  },
});
