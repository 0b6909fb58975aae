/**
 * Each width of llvmpipe's vectors has a shader cache of its own: Mesa 22.3.6 runs what it compiled
 * for another.
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { shaderCacheFolder } from "../../../kernels/device/open_deno.ts";
import { TEMPORARY, temporaryFolder } from "../../temporary_folder.ts";
import { test } from "../../test_case.ts";

const ROOT = fromFileUrl(new URL("../../../", import.meta.url));

/** Opens a device, then sums over the lanes of a vector on another one: none of ours does that. */
const SCRIPT = `
import { openDevice } from "./kernels/device/open_deno.ts";
(await openDevice())[Symbol.dispose]();
const adapter = await navigator.gpu.requestAdapter();
const gpu = await adapter.requestDevice({ requiredFeatures: ["subgroups"] });
const code = \`@group(0) @binding(0) var<storage, read_write> y: array<u32>;
  @compute @workgroup_size(16)
  fn main(@builtin(local_invocation_index) lane: u32) { y[lane] = subgroupAdd(1u); }\`;
const compute = { module: gpu.createShaderModule({ code }), entryPoint: "main" };
const pipeline = gpu.createComputePipeline({ layout: "auto", compute });
const [from, to] = [GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
  GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST].map((usage) => gpu.createBuffer({ size: 64, usage }));
const entries = [{ binding: 0, resource: { buffer: from } }];
const encoder = gpu.createCommandEncoder();
const pass = encoder.beginComputePass();
pass.setPipeline(pipeline);
pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
pass.dispatchWorkgroups(1);
pass.end();
encoder.copyBufferToBuffer(from, 0, to, 0, 64);
gpu.queue.submit([encoder.finish()]);
await to.mapAsync(GPUMapMode.READ);
const isLlvmpipe = adapter.info.description.includes("llvmpipe");
console.log(isLlvmpipe ? new Uint32Array(to.getMappedRange())[0] : "no llvmpipe");
gpu.destroy();
`;

/** Lanes that are summed in a process with vectors of so many bits. */
async function summedLanes(width: string, cache: string): Promise<string> {
  const { stdout } = await new Deno.Command("deno", {
    args: ["eval", "-q", "--ext=js", SCRIPT],
    cwd: ROOT,
    env: { LP_NATIVE_VECTOR_WIDTH: width, MESA_SHADER_CACHE_DIR: cache },
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

test(
  "openDevice() keeps what Mesa compiled at one width from being run at another",
  {
    permissions: { read: true, write: [TEMPORARY], run: ["deno"] },
    sanitizeOps: true,
    sanitizeResources: true,
    ignore: Deno.build.os !== "linux",
  },
  async () => {
    await using folder = await temporaryFolder();
    const narrow = await summedLanes("128", folder.path);
    if (narrow === "no llvmpipe") return;
    // 128 bits are 4 lanes, 256 bits 8; in one folder all three say 4
    assertEquals(narrow, "4");
    assertEquals(await summedLanes("256", folder.path), "8");
    assertEquals(await summedLanes("128", folder.path), "4");
    const folders = [...Deno.readDirSync(folder.path)].map(({ name }) => name);
    assertEquals(folders.sort(), ["mesa_128_bits", "mesa_256_bits"]);
  },
);

test("shaderCacheFolder() lies in the user's folder, once, or in .cache/", () => {
  assertEquals(shaderCacheFolder("512", "/a"), join("/a", "mesa_512_bits"));
  const inherited = join("/a", "mesa_512_bits");
  assertEquals(shaderCacheFolder("512", inherited), inherited);
  assertEquals(
    shaderCacheFolder("512"),
    join(ROOT, ".cache", "mesa_512_bits"),
  );
});
