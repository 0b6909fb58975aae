import { assertEquals, assertRejects } from "@std/assert";
import {
  isAdapterFolder,
  openAdapterFolder,
} from "../../../src/files/folders/adapter_folder.ts";
import { writeSafetensors } from "../../../src/files/safetensors/safetensors_writer.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const OPTIONS = {
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

test(
  "openAdapterFolder() reads an adapter, refuses a pickled one",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    assertEquals(await isAdapterFolder(folder.path), false);
    await folder.write("adapter_config.json", '{"r": 8}');
    await assertRejects(
      () => openAdapterFolder(folder.path),
      Deno.errors.NotFound,
      '"adapter_model.safetensors" is missing',
    );
    await folder.write("adapter_model.bin", "");
    await assertRejects(
      () => openAdapterFolder(folder.path),
      TypeError,
      '"adapter_model.bin"',
    );
    await writeSafetensors(
      folder.file("adapter_model.safetensors"),
      [{ name: "a", dtype: "U8", shape: [1] }],
      () => new Uint8Array(1),
    );
    const adapter = await openAdapterFolder(folder.path);
    assertEquals([adapter.config, [...adapter.weights.tensors.keys()]], [{
      r: 8,
    }, ["a"]]);
    assertEquals(await isAdapterFolder(folder.path), true);
  },
);
