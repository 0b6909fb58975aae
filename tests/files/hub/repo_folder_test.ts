import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  isRepoName,
  localDatasetPath,
  localModelFolder,
  repoFolder,
} from "../../../src/files/hub/repo_folder.ts";
import { isSafePath } from "../../../src/files/hub/safe_path.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const NONE = {
  permissions: "none",
  sanitizeOps: true,
  sanitizeResources: true,
} as const;
const OPTIONS = {
  permissions: {
    read: [TEMPORARY, "model_hub", "data", "no"],
    write: [TEMPORARY],
  },
  sanitizeOps: true,
  sanitizeResources: true,
};

test("repoFolder() maps a repository to its folder", NONE, () => {
  assertEquals(
    repoFolder("model", "Qwen/Qwen2-0.5B-Instruct"),
    "model_hub/Qwen--Qwen2-0.5B-Instruct",
  );
  assertEquals(
    repoFolder("dataset", "damo/CValues-Comparison"),
    "data/CValues-Comparison",
  );
  assertEquals(repoFolder("model", "gpt2"), "model_hub/gpt2");
  for (const name of ["../x", "a/b/c", "a/..", "/a", "a b", "", "a/.b"]) {
    assertEquals(isRepoName(name), false);
    assertThrows(() => repoFolder("model", name), TypeError, "owner/name");
  }
});

test(
  "localModelFolder() takes a path, else a repository, else tells how to download it",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    assertEquals(await localModelFolder(folder.path), folder.path);
    await assertRejects(
      () => localModelFolder("no/such-model"),
      Deno.errors.NotFound,
      'neither it nor "model_hub/no--such-model" is there; run deno task download RECIPE',
    );
    await assertRejects(
      () => localDatasetPath(folder.file("none.jsonl")),
      Deno.errors.NotFound,
      "no such path",
    );
  },
);

test(
  "isSafePath() lets only names through that stay in their folder",
  NONE,
  () => {
    for (
      const path of ["a", "a/b.c", "..a", "a..", "语/a b", "...", "a/.b"]
    ) assertEquals(isSafePath(path), true, path);
    for (
      const path of [
        "",
        "/a",
        "..",
        "a/..",
        "../a",
        "a/../b",
        "a\\b",
        "c:a",
        "C:\\a",
        "a\0",
        "a\n",
        "a//b",
        "a/",
        ".",
      ]
    ) {
      assertEquals(isSafePath(path), false, path);
    }
  },
);
