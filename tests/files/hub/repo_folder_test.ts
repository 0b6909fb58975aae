import { assertEquals, assertRejects } from "@std/assert";
import {
  isRepoName,
  localDatasetPath,
  localModelFolder,
  repoFolder,
} from "../../../src/files/hub/repo_folder.ts";
import { isSafePath } from "../../../src/files/hub/safe_path.ts";
import { NotFound, useDisk } from "../../../src/files/disk.ts";
import { memoryDisk } from "../memory_disk.ts";
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

/** A disk on which records say whose the folders are; undefined is a folder without a record. */
async function diskOf(
  folders: Readonly<
    Record<string, Readonly<Record<string, unknown>> | undefined>
  >,
) {
  const memory = memoryDisk();
  for (const [folder, record] of Object.entries(folders)) {
    await memory.makeFolder(folder);
    memory.put(`/${folder}/train.jsonl`, new Uint8Array(1));
    if (record === undefined) continue;
    const text = new TextEncoder().encode(JSON.stringify(record));
    memory.put(`/${folder}/.tiebreak.json`, text);
  }
  return useDisk(memory);
}

test("repoFolder() gives each repository its own folder", NONE, async () => {
  using _disk = await diskOf({
    "data/same": { repo: "one/same" },
    "data/tiny": undefined,
    "data/two--both": { repo: "two/both" },
    "model_hub/old": { repo: "one/old" },
  });
  const cases = [
    ["model", "Qwen/Qwen2-0.5B", "model_hub/Qwen--Qwen2-0.5B"],
    ["model", "gpt2", "model_hub/gpt2"],
    ["model", "one/old", "model_hub/old"],
    ["model", "two/old", "model_hub/two--old"],
    ["dataset", "damo/CValues", "data/CValues"],
    ["dataset", "one/same", "data/same"],
    ["dataset", "two/same", "data/two--same"],
    ["dataset", "me/tiny", "data/me--tiny"], // nothing says whose data/tiny is
    ["dataset", "two/both", "data/two--both"],
  ] as const;
  for (const [kind, name, folder] of cases) {
    assertEquals(await repoFolder(kind, name), folder, name);
  }
  for (const name of ["../x", "a/b/c", "a/..", "/a", "a b", "", "a/.b"]) {
    assertEquals(isRepoName(name), false);
    await assertRejects(
      () => repoFolder("model", name),
      TypeError,
      "owner/name",
    );
  }
});

test("localPath() reads no other owner's folder", NONE, async () => {
  using _disk = await diskOf({
    "data/same": { repo: "one/same" },
    "data/mine": undefined,
    "data/half": { repo: "one/half", complete: false },
    "data/both": { repo: "one/both" },
    "data/two--both": { repo: "two/both" },
    "model_hub/old": { repo: "one/old" },
    "model_hub/me--copied": undefined,
  });
  assertEquals(await localDatasetPath("one/same"), "data/same");
  assertEquals(await localDatasetPath("two/both"), "data/two--both");
  assertEquals(await localDatasetPath("one/both"), "data/both");
  assertEquals(await localDatasetPath("data/mine"), "data/mine");
  assertEquals(await localModelFolder("one/old"), "model_hub/old");
  assertEquals(await localModelFolder("me/copied"), "model_hub/me--copied");
  const refused = [
    ["two/same", '"data/same" holds "one/same"; run deno task download'],
    ["me/mine", '"data/mine" does not say whose it is'],
    ["one/half", 'its download to "data/half" has not come to its end'],
  ] as const;
  for (const [name, words] of refused) {
    await assertRejects(() => localDatasetPath(name), NotFound, words);
  }
  await assertRejects(
    () => localModelFolder("two/old"),
    NotFound,
    '"model_hub/old" holds "one/old"',
  );
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
      'neither it nor "model_hub/no--such-model" is there; run deno task download --model_name_or_path=no/such-model if it is on a hub',
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

test(
  "localModelFolder() advises no download of what can only be a folder here",
  { permissions: { read: true } },
  () =>
    assertRejects(() => localModelFolder("output/none"), NotFound).then(
      ({ message }) => assertEquals(message.includes("download"), false),
    ),
);
