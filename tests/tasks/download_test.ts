import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { sha256, startFakeHub } from "../files/hub/fake_hub.ts";
import {
  TEMPORARY,
  type TemporaryFolder,
  temporaryFolder,
} from "../temporary_folder.ts";
import { test } from "../test_case.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const OPTIONS = {
  permissions: {
    read: [ROOT, TEMPORARY],
    write: [TEMPORARY],
    net: ["127.0.0.1"],
    run: ["deno"],
  },
  sanitizeOps: true,
  sanitizeResources: true,
};

const WEIGHTS = new Uint8Array(3000).fill(5);
const FILES = {
  "config.json": { data: new TextEncoder().encode("{}") },
  "model.safetensors": { data: WEIGHTS, lfs: true },
};

/** Runs the task in a folder of its own, with the permissions of its set but for these flags. */
async function run(
  folder: TemporaryFolder,
  { flags = [], words, env = {} }: {
    flags?: string[];
    words: string[];
    env?: Record<string, string>;
  },
) {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: [
      "run",
      "-q",
      "--no-prompt",
      "-P=download",
      ...flags,
      `--config=${ROOT}deno.json`,
      `${ROOT}tasks/download.ts`,
      ...words,
    ],
    cwd: folder.path,
    env: { HF_ENDPOINT: "", HF_TOKEN: "", MODELSCOPE_ENDPOINT: "", ...env },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr).trim() };
}

test(
  "download brings what a recipe names and tells what was there the next time",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using models = startFakeHub({ files: FILES, token: "hf_1" });
    await using data = startFakeHub({
      files: { "train.jsonl": { data: WEIGHTS } },
      kind: "dataset",
      repo: "damo/pairs",
    });
    const recipe = await folder.write(
      "run.jsonc",
      `{ // what to train
      "model_name_or_path": "owner/name", "learning_rate": 1e-5,
      "download": {
        "model": { "repo": "owner/name" },
        "datasets": [{ "source": "modelscope", "repo": "damo/pairs" }]
      } }`,
    );
    const call = {
      flags: ["--allow-net=127.0.0.1", `--allow-write=${folder.path}`],
      words: [recipe],
      env: {
        HF_ENDPOINT: models.endpoint,
        HF_TOKEN: "hf_1",
        MODELSCOPE_ENDPOINT: data.endpoint,
      },
    };
    const first = await run(folder, call);
    assertEquals([first.code, first.stdout], [
      0,
      "model_hub/owner--name/config.json  2 B\nmodel_hub/owner--name/model.safetensors  3.00 kB\ndata/pairs/train.jsonl  3.00 kB\n",
    ]);
    assertStringIncludes(first.stderr, "3.00 kB/3.00 kB  100 %");
    const manifest = JSON.parse(
      await Deno.readTextFile(folder.file("data/pairs/.tiebreak.json")),
    );
    assertEquals(manifest.files["train.jsonl"].sha256, sha256(WEIGHTS));
    const second = await run(folder, call);
    assertEquals(second.stdout.match(/was there/g)?.length, 3);
  },
);

test(
  "download leaves what lies in the folder of a recipe, unless told to overwrite",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using hub = startFakeHub({
      files: { "train.jsonl": { data: WEIGHTS } },
      kind: "dataset",
    });
    await Deno.mkdir(folder.file("data/mine"), { recursive: true });
    await folder.write("data/mine/train.jsonl", "mine");
    const recipe = await folder.write(
      "run.jsonc",
      '{ "download": { "datasets": [{ "source": "huggingface", "repo": "owner/name", "folder": "data/mine" }] } }',
    );
    const call = (...more: string[]) =>
      run(folder, {
        flags: ["--allow-net=127.0.0.1", `--allow-write=${folder.path}`],
        words: [recipe, `--endpoint=${hub.endpoint}`, ...more],
      });
    const { code, stderr } = await call();
    assertEquals([code, stderr], [
      1,
      'error: Cannot download "owner/name" to "data/mine": it holds "train.jsonl" with other content, which no download brought; move it away, choose another folder, or set overwrite',
    ]);
    const mine = folder.file("data/mine/train.jsonl");
    assertEquals(await Deno.readTextFile(mine), "mine");
    assertEquals((await call("--overwrite")).code, 0);
    assertEquals(await Deno.readFile(mine), WEIGHTS);
  },
);

test(
  "download names the flag for a host or folder outside its permissions",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using hub = startFakeHub({ files: FILES });
    const host = new URL(hub.endpoint).host;
    const words = [
      "--model_name_or_path=owner/name",
      `--endpoint=${hub.endpoint}`,
    ];
    const net = await run(folder, { words });
    assertEquals([net.code, net.stdout], [1, ""]);
    // a flag replaces the set's list, so the hubs' own hosts must stand in it too
    const flag =
      `--allow-net=huggingface.co,*.huggingface.co,hf.co,*.hf.co,hf-mirror.com,*.hf-mirror.com,modelscope.cn,*.modelscope.cn,${host}`;
    assertEquals(
      net.stderr,
      `error: Cannot use ${host}: task "download" has no net access to it, grant it with ${flag}: ` +
        `deno run -P=download '${flag}' tasks/download.ts ${words.join(" ")}`,
    );
    for (const secret of [["--token=hf_secret"], ["--token", "hf_secret"]]) {
      const { stderr } = await run(folder, { words: [...words, ...secret] });
      assertStringIncludes(stderr, "TOKEN");
      assertEquals(stderr.includes("hf_secret"), false);
    }
    assertEquals(hub.requests, []);
    const write = await run(folder, {
      words,
      flags: ["--allow-net=127.0.0.1"],
    });
    assertEquals(write.code, 1);
    assertStringIncludes(
      write.stderr,
      "has no write access to it, grant it with --allow-write=",
    );
    assertEquals(
      write.stderr.split("\n").filter((line) => line.startsWith("error: "))
        .length,
      1,
    );
  },
);

test(
  "download says in one line what is wrong, and with --debug where",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    for (
      const [words, message] of [
        [[], "Cannot download: found no repository"],
        [
          ["--model_name_or_path=model_hub/tiny"],
          'found the local path "model_hub/tiny"',
        ],
        [["none.jsonc"], 'Cannot read recipe "none.jsonc": no such file'],
        [["--paralel=2"], 'did you mean "parallel"'],
      ] as const
    ) {
      const { code, stderr } = await run(folder, { words: [...words] });
      assertEquals([code, stderr.split("\n").length], [1, 1], stderr);
      assertStringIncludes(stderr, message);
    }
    const { stderr } = await run(folder, { words: ["--debug"] });
    assertStringIncludes(stderr, "download_jobs.ts:");
  },
);

test("download --help shows its options", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  const { code, stdout } = await run(folder, { words: ["--help"] });
  assertEquals(code, 0);
  assertStringIncludes(stdout, "Usage: deno task download [RECIPE]");
  assertStringIncludes(stdout, "--model_source");
});

test(
  "download sends an endpoint or token of the command line to one hub only",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await using hub = startFakeHub({ files: FILES });
    const recipe = await folder.write(
      "run.yaml",
      `model_name_or_path: owner/name
download: { datasets: [{ source: modelscope, repo: damo/pairs }] }
`,
    );
    for (const option of [`endpoint=${hub.endpoint}`, "token=secret"]) {
      const { code, stderr } = await run(folder, {
        flags: ["--allow-net=127.0.0.1"],
        words: [recipe, `--${option}`],
      });
      assertEquals(code, 1);
      assertStringIncludes(
        stderr,
        "Cannot download from huggingface and modelscope with one --",
      );
      assertEquals(stderr.includes("secret"), false);
    }
    assertEquals(hub.requests, []);
  },
);

test(
  "download has nothing to do for a model that is here",
  OPTIONS,
  async () => {
    await using folder = await temporaryFolder();
    await Deno.mkdir(folder.file("mine"));
    const { code, stdout } = await run(folder, {
      words: ["--model_name_or_path=mine"],
    });
    assertEquals([code, stdout], [0, "nothing to download: mine is here\n"]);
  },
);
