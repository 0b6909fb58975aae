import { assertEquals, assertRejects } from "@std/assert";
import { openWeights } from "../../../src/files/safetensors/weights.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

test({
  name:
    "openWeights() names shards that have no index, and those that are missing",
  permissions: { read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeResources: true,
  async fn() {
    await using folder = await temporaryFolder();
    assertEquals(await openWeights(folder.path), undefined);
    await folder.write("model-00001-of-00002.safetensors", "x");
    await assertRejects(
      () => openWeights(folder.path),
      Deno.errors.NotFound,
      'found "model-00001-of-00002.safetensors" without "model.safetensors.index.json", which says what lies in which shard, and 1 of the 2 shards that "model-00001-of-00002.safetensors" belongs to is missing: 00002; download the model again',
    );
  },
});
