import { assertEquals, assertRejects } from "@std/assert";
import { MANIFEST } from "../../../src/files/hub/repo_record.ts";
import { type Repo } from "../../../src/files/hub/repo.ts";
import { HubError } from "../../../src/files/hub/retry.ts";
import {
  type TemporaryFolder,
  temporaryFolder,
} from "../../temporary_folder.ts";
import { COMMIT, sha256, startFakeHub } from "./fake_hub.ts";
import {
  bytes,
  CONFIG,
  download,
  FILES,
  OPTIONS,
  SOURCES,
  WEIGHTS,
} from "./repo_scene.ts";
import { test } from "../../test_case.ts";

const manifestOf = async (folder: TemporaryFolder) =>
  JSON.parse(await Deno.readTextFile(folder.file(`repo/${MANIFEST}`)));

test(
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

test(
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

test("downloadRepo() reads listings of many pages", OPTIONS, async () => {
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

test(
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

test(
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
