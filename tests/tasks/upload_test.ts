/** The upload task with its own permissions, against a hub on this machine. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { startFakeUploadHub, TOKEN } from "../files/hub/fake_upload_hub.ts";
import { TEMPORARY, temporaryFolder } from "../temporary_folder.ts";
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
const RUN = `${ROOT}model_hub/tiny`;

/** Runs the task with the permissions of its set, and the network of this machine. */
async function run(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = ["--allow-net=127.0.0.1"],
) {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: [
      ...["run", "-q", "--no-prompt", "-P=upload", ...flags],
      ...[`--config=${ROOT}deno.json`, `${ROOT}tasks/upload.ts`, ...words],
    ],
    env: {
      HF_ENDPOINT: "",
      HF_TOKEN: "",
      MODELSCOPE_ENDPOINT: "",
      MODELSCOPE_API_TOKEN: "",
      ...env,
    },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr).trim() };
}

test(
  "upload sends a model as it is, to either hub, and only once",
  OPTIONS,
  async () => {
    const hubs = {
      huggingface: { endpoint: "HF_ENDPOINT", token: "HF_TOKEN" },
      modelscope: {
        endpoint: "MODELSCOPE_ENDPOINT",
        token: "MODELSCOPE_API_TOKEN",
      },
    };
    for (const [source, { endpoint, token }] of Object.entries(hubs)) {
      await using hub = startFakeUploadHub();
      const env = { [endpoint]: hub.endpoint, [token]: TOKEN };
      const words = [RUN, `--to=${source}:owner/name`];
      const first = await run(words, env);
      assertEquals(first.code, 0, first.stderr);
      assertStringIncludes(
        first.stdout,
        `done: ${hub.files.size} sent, 0 were there: `,
      );
      assertStringIncludes(first.stderr, "100 %");
      for (const [path, bytes] of hub.files) {
        const local = await Deno.readFile(`${RUN}/${path}`);
        assertEquals(bytes, local as Uint8Array, path);
      }
      assertEquals(hub.files.has("model.safetensors"), true);
      const second = await run(words, env);
      assertStringIncludes(
        second.stdout,
        `done: 0 sent, ${hub.files.size} were there: `,
      );
      assertEquals(hub.faults, []);
    }
  },
);

test(
  "upload --dry-run lists files and bytes and reaches no hub",
  OPTIONS,
  async () => {
    const words = [RUN, "--to=huggingface:owner/name", "--dry-run"];
    const { code, stdout } = await run(words, {}, []);
    assertEquals(code, 0);
    const { size } = await Deno.stat(`${RUN}/config.json`);
    assertStringIncludes(stdout, `config.json  ${size} B\n`);
    assertStringIncludes(stdout, ", to huggingface:owner/name\n");
  },
);

test("upload tells what is missing, and never the token", OPTIONS, async () => {
  await using folder = await temporaryFolder();
  await using hub = startFakeUploadHub();
  const to = "--to=huggingface:owner/name";
  const here = `--endpoint=${hub.endpoint}`;
  const file = await folder.write("token", "hf_wrong\n");
  const odd = await folder.write("odd", "hf_secret two");
  const cases: [string[], string][] = [
    [[RUN, to], "found no token; set HF_TOKEN or --token_file=PATH"],
    [[RUN, "--to=owner/name"], "expected huggingface:OWNER/NAME or modelscope"],
    [[folder.path, to], "it holds neither a model nor an adapter"],
    [
      [RUN, to, here, `--token_file=${file}`],
      "status 401, the token is not valid",
    ],
    [
      [RUN, to, here, `--token_file=${odd}`],
      `Cannot use the token of "${odd}"`,
    ],
    [[RUN], '"to" is missing'],
  ];
  for (const [words, message] of cases) {
    const { code, stdout, stderr } = await run(words);
    assertEquals([code, stderr.split("\n").length], [1, 1], stderr);
    assertStringIncludes(stderr, message);
    assertEquals(/hf_wrong|hf_secret/.test(stdout + stderr), false);
  }
  const denied = await run([RUN, to, here], { HF_TOKEN: TOKEN }, []);
  assertStringIncludes(denied.stderr, 'task "upload" has no net access to it');
});
