import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  downloadRepo,
  type DownloadRepoOptions,
  MANIFEST,
} from "../../src/files/download_repo.ts";
import type { Repo } from "../../src/files/hub/repo.ts";
import { HubError } from "../../src/files/retry.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../temporary_folder.ts";
import {
  COMMIT,
  type FakeFile,
  type FakeHub,
  sha256,
  startFakeHub,
} from "./fake_hub.ts";

const OPTIONS = {
  permissions: { net: ["127.0.0.1"], read: [TEMPORARY], write: [TEMPORARY] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const bytes = (text: string) => new TextEncoder().encode(text);
const CONFIG = bytes("{}");
const WEIGHTS = Uint8Array.from({ length: 5000 }, (_, i) => i & 255);

const FILES: Record<string, FakeFile> = {
  "config.json": { data: CONFIG },
  "tokenizer.json": { data: bytes('{"a":1}') },
  "model.safetensors": { data: WEIGHTS, lfs: true, redirected: true },
  "pytorch_model.bin": { data: WEIGHTS, lfs: true },
  "original/consolidated.safetensors": { data: WEIGHTS, lfs: true },
  "consolidated.safetensors": { data: WEIGHTS, lfs: true },
  "README.md": { data: bytes("# hi") },
};

const SOURCES = ["huggingface", "modelscope"] as const;

function download(
  hub: FakeHub,
  folder: TemporaryFolder,
  { repo, ...options }: DownloadRepoOptions & { repo?: Partial<Repo> } = {},
) {
  return downloadRepo(
    { source: "huggingface", kind: "model", name: "owner/name", ...repo },
    {
      endpoint: hub.endpoint,
      folder: folder.file("repo"),
      retries: 2,
      delay: () => Promise.resolve(),
      ...options,
    },
  );
}

const manifestOf = async (folder: TemporaryFolder) =>
  JSON.parse(await Deno.readTextFile(folder.file(`repo/${MANIFEST}`)));

Deno.test(
  "downloadRepo() brings what a model needs, from both hubs, with a manifest",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      await using hub = startFakeHub({ files: FILES });
      await using folder = await temporaryFolder();
      const moves: [number, number][] = [];
      const result = await download(hub, folder, {
        repo: { source },
        onProgress: (done, total) => moves.push([done, total]),
      });
      assertEquals([...result.files.keys()], [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
      ]);
      assertEquals(
        await Deno.readFile(folder.file("repo/model.safetensors")),
        WEIGHTS,
      );
      assertEquals(moves.at(-1), [5009, 5009]); // 2 + 7 + 5000 bytes
      const manifest = await manifestOf(folder);
      assertEquals([manifest.source, manifest.repo, manifest.kind], [
        source,
        "owner/name",
        "model",
      ]);
      assertEquals(manifest.commit, source === "huggingface" ? COMMIT : null);
      assertEquals(manifest.files["config.json"], {
        size: 2,
        sha256: sha256(CONFIG),
      });
    }
  },
);

Deno.test(
  "downloadRepo() asks each hub in its own words",
  OPTIONS,
  async () => {
    const asked = async (source: Repo["source"], kind: Repo["kind"]) => {
      const files = {
        "train.jsonl": { data: bytes("{}") },
        "model.safetensors": { data: WEIGHTS },
      };
      await using hub = startFakeHub({ files, kind });
      await using folder = await temporaryFolder();
      const pattern = kind === "model" ? "model.safetensors" : "train.jsonl";
      await download(hub, folder, { repo: { source, kind }, files: [pattern] });
      return hub.requests.map(({ path }) => path);
    };
    assertEquals(await asked("huggingface", "dataset"), [
      "/api/datasets/owner/name/revision/main",
      `/api/datasets/owner/name/tree/${COMMIT}?recursive=true&expand=false`,
      `/datasets/owner/name/resolve/${COMMIT}/train.jsonl`,
    ]);
    assertEquals(await asked("modelscope", "model"), [
      "/api/v1/models/owner/name/repo/files?Revision=master&Recursive=True",
      "/api/v1/models/owner/name/repo?Revision=master&FilePath=model.safetensors",
    ]);
    assertEquals(await asked("modelscope", "dataset"), [
      "/api/v1/datasets/owner/name/repo/tree?Revision=master&Root=%2F&Recursive=True&PageNumber=1&PageSize=100",
      "/api/v1/datasets/owner/name/repo?Source=SDK&Revision=master&FilePath=train.jsonl",
    ]);
  },
);

Deno.test("downloadRepo() reads listings of many pages", OPTIONS, async () => {
  const files = Object.fromEntries(
    Array.from(
      { length: 105 },
      (_, i) => [`d/${i}.jsonl`, { data: bytes(`${i}`) }],
    ),
  );
  for (const source of SOURCES) {
    await using hub = startFakeHub({ files, kind: "dataset", pageSize: 50 });
    await using folder = await temporaryFolder();
    const result = await download(hub, folder, {
      repo: { source, kind: "dataset" },
      parallel: 4,
    });
    assertEquals(result.files.size, 105);
    assertEquals(
      await Deno.readTextFile(folder.file("repo/d/104.jsonl")),
      "104",
    );
  }
});

Deno.test(
  "downloadRepo() keeps complete files, replaces changed ones, removes those that are gone",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    const shards = {
      "model-1.safetensors": { data: WEIGHTS },
      "model-2.safetensors": { data: WEIGHTS },
    };
    await using before = startFakeHub({
      files: { "config.json": { data: CONFIG }, ...shards },
    });
    await download(before, folder);
    await folder.write("repo/notes.txt", "mine");
    await using after = startFakeHub({
      files: {
        "config.json": { data: bytes("[]") },
        "model-1.safetensors": { data: WEIGHTS },
      },
    });
    const { files } = await download(after, folder);
    assertEquals([
      files.get("config.json")!.kept,
      files.get("model-1.safetensors")!.kept,
    ], [false, true]);
    const names = [...Deno.readDirSync(folder.file("repo"))].map(({ name }) =>
      name
    ).sort();
    assertEquals(names, [
      MANIFEST,
      "config.json",
      "model-1.safetensors",
      "notes.txt",
    ]);
  },
);

Deno.test(
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
          "nul\0.json",
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

Deno.test("downloadRepo() refuses pickles by name", OPTIONS, async () => {
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

Deno.test(
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
      files: { "a.parquet": { data: CONFIG } },
      kind: "dataset",
    });
    await assertRejects(
      () => download(data, folder, { repo: { kind: "dataset" } }),
      TypeError,
      'found "a.parquet", none of which can be read',
    );
  },
);

Deno.test(
  "downloadRepo() retries listings, and stops all files at the first fault",
  OPTIONS,
  async () => {
    for (const source of SOURCES) {
      await using folder = await temporaryFolder();
      await using flaky = startFakeHub({
        files: FILES,
        listStatuses: [500, 429],
      });
      await download(flaky, folder, { repo: { source } });
      await using broken = startFakeHub({
        files: {
          "config.json": { data: bytes("1"), statuses: [404] },
          "model.safetensors": { data: CONFIG, stalls: true },
        },
      });
      await assertRejects(
        () => download(broken, folder, { repo: { source }, parallel: 2 }),
        HubError,
        "status 404",
      );
    }
  },
);

Deno.test(
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

Deno.test(
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
      "wanted a repository's name",
    );
    await assertRejects(
      () => download(hub, folder, { endpoint: "ftp://x" }),
      TypeError,
      'Cannot use endpoint "ftp://x"',
    );
  },
);

Deno.test(
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

Deno.test(
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
