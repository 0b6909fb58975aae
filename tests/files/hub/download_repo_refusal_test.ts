import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { readRecord } from "../../../src/files/hub/repo_record.ts";
import { HubError } from "../../../src/files/hub/retry.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { startFakeHub } from "./fake_hub.ts";
import {
  CONFIG,
  download,
  FILES,
  OPTIONS,
  SOURCES,
  WEIGHTS,
} from "./repo_scene.ts";
import { test } from "../../test_case.ts";

test(
  "downloadRepo() refuses file names that leave the folder, all by name",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      for (
        const name of [
          "../up.json",
          "a/../../up.json",
          "/abs.json",
          "a\\b.json",
          "C:/x.json",
          "a//b.json",
          "./c.json",
        ]
      ) {
        await using hub = startFakeHub({
          files: { ...FILES, [name]: { data: CONFIG } },
        });
        await using folder = await temporaryFolder();
        const error = await assertRejects(
          () =>
            download(hub, folder, { repo: { source }, files: ["config.json"] }),
          TypeError,
        );
        assertStringIncludes(
          error.message,
          `its file names leave its folder: ${JSON.stringify(name)}`,
        );
        assertEquals([...Deno.readDirSync(folder.path)], []);
      }
    }
  },
);

test("downloadRepo() refuses pickles by name", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  await using hub = startFakeHub({ files: FILES });
  await assertRejects(
    () => download(hub, folder, { files: ["pytorch_model.bin"] }),
    TypeError,
    '"pytorch_model.bin" asks for pickles',
  );
  const { files } = await download(hub, folder, { files: ["*"] });
  assertEquals(files.has("pytorch_model.bin"), false);
  await using pickled = startFakeHub({
    files: { "config.json": { data: CONFIG }, "a.ckpt": { data: CONFIG } },
  });
  await assertRejects(
    () => download(pickled, folder),
    TypeError,
    'its weights are pickled, "a.ckpt"',
  );
});

test(
  "downloadRepo() says what is there when a pattern matches nothing",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using hub = startFakeHub({ files: FILES });
    const error = await assertRejects(
      () => download(hub, folder, { files: ["config.json", "*.gguf"] }),
      TypeError,
    );
    assertStringIncludes(
      error.message,
      'no file matches "*.gguf", found "config.json", "tokenizer.json"',
    );
    await using data = startFakeHub({
      files: { "a.feather": { data: CONFIG } },
      kind: "dataset",
    });
    await assertRejects(
      () => download(data, folder, { repo: { kind: "dataset" } }),
      TypeError,
      'found "a.feather", none of which can be read',
    );
  },
);

test(
  "downloadRepo() passes the token, and tells of it when it is missing",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      await using folder = await temporaryFolder();
      await using hub = startFakeHub({ files: FILES, token: "hf_secret" });
      await assertRejects(
        () => download(hub, folder, { repo: { source } }),
        HubError,
        "accept its terms on its page and pass a token (HF_TOKEN, --token)",
      );
      await download(hub, folder, { repo: { source }, token: "hf_secret\n" });
      const storage = hub.requests.filter(({ host }) => host === "storage");
      assert(storage.length > 0);
      assert(
        storage.every(({ headers }) =>
          !headers.has("authorization") && !headers.has("cookie")
        ),
      );
    }
  },
);

test(
  "downloadRepo() names a repository or revision that is not there",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using hub = startFakeHub({ files: FILES });
    for (const source of SOURCES) {
      for (
        const repo of [{ source, name: "owner/other" }, {
          source,
          revision: "v9",
        }]
      ) {
        await assertRejects(
          () => download(hub, folder, { repo }),
          HubError,
          "status 404, no such repository, revision or file",
        );
      }
    }
    await assertRejects(
      () => download(hub, folder, { repo: { name: "../x" } }),
      TypeError,
      "expected a repository's name",
    );
    await assertRejects(
      () => download(hub, folder, { endpoint: "ftp://x" }),
      TypeError,
      'Cannot use endpoint "ftp://x"',
    );
  },
);

test(
  "downloadRepo() does not mix two repositories in one folder",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using hub = startFakeHub({ files: FILES });
    await download(hub, folder);
    await assertRejects(
      () => download(hub, folder, { repo: { name: "other/name" } }),
      TypeError,
      'it holds "owner/name"',
    );
  },
);

test(
  "downloadRepo() writes down whose a folder is before the first file comes",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const broken = { data: WEIGHTS, lfs: true, statuses: [403] };
    await using hub = startFakeHub({
      files: { ...FILES, "model.safetensors": broken },
    });
    await assertRejects(() => download(hub, folder), HubError, "status 403");
    const cut = await readRecord(folder.file("repo"));
    assertEquals([cut?.repo, cut?.complete], ["owner/name", false]);
    await assertRejects(
      () => download(hub, folder, { repo: { name: "other/name" } }),
      TypeError,
      'it holds "owner/name"',
    );
    await download(hub, folder);
    assertEquals((await readRecord(folder.file("repo")))?.complete, true);
  },
);

test(
  "downloadRepo() finds listed sizes and hashes that are lies",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      await using folder = await temporaryFolder();
      await using size = startFakeHub({
        files: {
          "model.safetensors": { data: WEIGHTS, lfs: true, listedSize: 4999 },
        },
      });
      await assertRejects(
        () => download(size, folder, { repo: { source } }),
        HubError,
        "its server offers 5000 bytes, the hub lists 4999",
      );
      for (const lfs of [true, false]) {
        const served = [WEIGHTS.toReversed()];
        await using lie = startFakeHub({
          files: { "model.safetensors": { data: WEIGHTS, lfs, served } },
        });
        const found = lfs || source === "modelscope"
          ? "found sha256"
          : "found git object";
        await assertRejects(
          () => download(lie, folder, { repo: { source } }),
          HubError,
          found,
        );
      }
    }
  },
);
