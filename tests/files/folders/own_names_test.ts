import { assertEquals } from "@std/assert";
import { openModelFiles } from "../../../src/files/folders/model_folder.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { test } from "../../test_case.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";

/** What a folder with one tensor of that name says of its names. */
async function said(name: string, config: object): Promise<unknown> {
  await using folder = await temporaryFolder();
  await folder.write("config.json", JSON.stringify(config));
  const layout = { name, dtype: "F32", shape: [1] } as const;
  await writeSafetensors(
    folder.file("model.safetensors"),
    [layout],
    async function* () {
      yield await Promise.resolve(new Uint8Array(4));
    },
  );
  return (await openModelFiles(folder.path)).config["_text_names"];
}

test("configByNames() tells how the weights name the text model", {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
}, async () => {
  const layer = "layers.0.mlp.up_proj.weight";
  const eyes = { vision_config: {} };
  assertEquals(await said(`language_model.model.${layer}`, {}), "outer");
  assertEquals(await said(`model.language_model.${layer}`, {}), "inner");
  assertEquals(await said(`model.${layer}`, eyes), "plain");
  assertEquals(await said(`model.${layer}`, {}), undefined);
  assertEquals(await said("visual.norm.weight", eyes), undefined);
});
