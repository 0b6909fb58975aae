/**
 * What each task may do, as deno.json grants it: proved in processes of their own. And what it
 * starts with.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { test } from "../test_case.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const PROBE = fromFileUrl(new URL("permission_probe.ts", import.meta.url));
const OPTIONS = {
  permissions: { read: [ROOT], run: ["deno"] },
  sanitizeOps: true,
  sanitizeResources: true,
};

const QUESTIONS = [
  "read /etc/hosts",
  "write model_hub/a",
  "write data/a",
  "write output/a",
  "write .cache/a",
  "write recipes/a",
  "write deno.json",
  "write /tmp/a",
  "net huggingface.co",
  "net cdn-lfs-us-1.huggingface.co",
  "net cas-bridge.xethub.hf.co",
  "net hf-mirror.com",
  "net hf-mirror.com.example.com",
  "net modelscope.cn",
  "net www.modelscope.cn",
  "net hf-hub-lfs-us-east-1.s3-accelerate.amazonaws.com",
  "net other.s3.us-east-1.amazonaws.com",
  "net example.com",
  "net huggingface.co.example.com",
  "net 127.0.0.1",
  "env HF_TOKEN",
  "env HF_ENDPOINT",
  "env MODELSCOPE_ENDPOINT",
  "env DENO_WEBGPU_BACKEND",
  "env XDG_RUNTIME_DIR",
  "env LP_NATIVE_VECTOR_WIDTH",
  "env LP_NUM_THREADS",
  "env MESA_SHADER_CACHE_DIR",
  "env HOME",
  "run",
  "run deno",
  "run sh",
  "sys hostname",
  "ffi",
];

/** What a permission set of deno.json grants of `QUESTIONS`. */
async function granted(set: string): Promise<string[]> {
  const { stdout, stderr, success } = await new Deno.Command("deno", {
    args: ["run", "-q", "--no-prompt", `-P=${set}`, PROBE, ...QUESTIONS],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).split("\n");
  return lines.filter((line) => line !== "");
}

test(
  "download reaches only the hubs and writes only model_hub/ and data/",
  OPTIONS,
  async () => {
    assertEquals(await granted("download"), [
      "read /etc/hosts",
      "write model_hub/a",
      "write data/a",
      "net huggingface.co",
      "net cdn-lfs-us-1.huggingface.co",
      "net cas-bridge.xethub.hf.co",
      "net hf-mirror.com",
      "net modelscope.cn",
      "net www.modelscope.cn",
      "env HF_TOKEN",
      "env HF_ENDPOINT",
      "env MODELSCOPE_ENDPOINT",
      "sys hostname",
    ]);
  },
);

test("upload writes nothing and reaches only the hubs", OPTIONS, async () => {
  assertEquals(await granted("upload"), [
    "read /etc/hosts",
    "net huggingface.co",
    "net cdn-lfs-us-1.huggingface.co",
    "net cas-bridge.xethub.hf.co",
    "net modelscope.cn",
    "net www.modelscope.cn",
    "net hf-hub-lfs-us-east-1.s3-accelerate.amazonaws.com",
    "env HF_TOKEN",
    "env HF_ENDPOINT",
    "env MODELSCOPE_ENDPOINT",
  ]);
});

test(
  "train, score, merge, export-gguf and demo reach nothing and write only output/ and .cache/",
  OPTIONS,
  async () => {
    for (const set of ["train", "score", "merge", "export_gguf", "demo"]) {
      assertEquals(await granted(set), [
        "read /etc/hosts",
        "write output/a",
        "write .cache/a",
        "env DENO_WEBGPU_BACKEND",
        "env XDG_RUNTIME_DIR",
        "env LP_NATIVE_VECTOR_WIDTH",
        "env LP_NUM_THREADS",
        "env MESA_SHADER_CACHE_DIR",
        "sys hostname",
      ], set);
    }
  },
);

test(
  "predict reaches nothing and writes only output/",
  OPTIONS,
  async () => {
    assertEquals(await granted("predict"), [
      "read /etc/hosts",
      "write output/a",
      "env DENO_WEBGPU_BACKEND",
      "env XDG_RUNTIME_DIR",
      "env LP_NATIVE_VECTOR_WIDTH",
      "env LP_NUM_THREADS",
      "env MESA_SHADER_CACHE_DIR",
      "sys hostname",
    ]);
  },
);

test(
  "all runs deno alone, and no other task runs anything",
  OPTIONS,
  async () => {
    assertEquals(await granted("all_runs_programs"), [
      "read /etc/hosts",
      "write output/a",
      "run deno",
    ]);
    const { permissions } = JSON.parse(
      Deno.readTextFileSync(`${ROOT}deno.json`),
    );
    const running = Object.keys(permissions).filter((set) =>
      permissions[set].run !== undefined
    );
    assertEquals(running, [
      "all_runs_programs",
      "tiebreak_runs_programs",
      "test",
    ]);
  },
);

test("completion reads deno.json alone", OPTIONS, async () => {
  assertEquals(await granted("completion"), []);
});

test("verify writes nothing", OPTIONS, async () => {
  assertEquals(await granted("verify"), ["read /etc/hosts"]);
});

test("cache writes its folder alone", OPTIONS, async () => {
  assertEquals(await granted("cache"), [
    "read /etc/hosts",
    "write .cache/a",
    "sys hostname",
  ]);
});

test("inspect writes nothing", OPTIONS, async () => {
  assertEquals(await granted("inspect"), ["read /etc/hosts"]);
});

test("import-recipe writes only recipes/", OPTIONS, async () => {
  assertEquals(await granted("import_recipe"), [
    "read /etc/hosts",
    "write recipes/a",
  ]);
});

test("kernels writes only output/ and .cache/", OPTIONS, async () => {
  assertEquals(await granted("kernels"), [
    "read /etc/hosts",
    "write output/a",
    "write .cache/a",
    "sys hostname",
  ]);
});

test("fuzz reads the project alone and writes nothing", OPTIONS, async () => {
  assertEquals(await granted("fuzz"), [
    "env DENO_WEBGPU_BACKEND",
    "env XDG_RUNTIME_DIR",
    "env LP_NATIVE_VECTOR_WIDTH",
    "env LP_NUM_THREADS",
    "env MESA_SHADER_CACHE_DIR",
  ]);
});

test("bench writes nothing", OPTIONS, async () => {
  assertEquals(await granted("bench"), [
    "read /etc/hosts",
    "env DENO_WEBGPU_BACKEND",
    "env XDG_RUNTIME_DIR",
    "env LP_NATIVE_VECTOR_WIDTH",
    "env LP_NUM_THREADS",
    "env MESA_SHADER_CACHE_DIR",
  ]);
});

test("tasks that open a device ask glibc for large pages", OPTIONS, () => {
  const { tasks, permissions } = JSON.parse(
    Deno.readTextFileSync(`${ROOT}deno.json`),
  );
  const commands = Object.entries<{ readonly command: string }>(tasks).map((
    [name, { command }],
  ) => [name, command] as const);
  const asking = commands.filter(([, command]) =>
    command.startsWith("GLIBC_TUNABLES=glibc.malloc.hugetlb=1 deno run ")
  );
  const opening = commands.filter(([, command]) => {
    const [, set] = command.match(/^(?:\S+=\S+ )?deno run .*-P=(\w+)/) ?? [];
    const { env } = permissions[set ?? ""] ?? {};
    return Array.isArray(env) && env.includes("LP_NUM_THREADS");
  });
  assertEquals(asking, opening);
  assertEquals(opening.length, 8);
});

test("deno task says of each task what it does", OPTIONS, () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  for (
    const [name, task] of Object.entries<{ description?: string }>(tasks)
  ) {
    assertMatch(task.description ?? "", /^[A-Z].{10,60}$/, name);
  }
});
