import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, toFileUrl } from "@std/path";
import {
  isOpenGl,
  wantedVectorWidth,
} from "../../../kernels/device/open_deno.ts";
import { test } from "../../test_case.ts";

const ROOT = fromFileUrl(new URL("../../../", import.meta.url));
const OPTIONS = {
  permissions: { read: [ROOT], run: ["deno"] },
  sanitizeOps: true,
  sanitizeResources: true,
  ignore: Deno.build.os !== "linux",
};

/** What opening a device says in a process of its own. */
async function openWith(env: Record<string, string>): Promise<string> {
  const script = `import { openDevice } from "./kernels/device/open_deno.ts";
    await openDevice().then(() => console.log("opened", Deno.env.get("LP_NUM_THREADS")), (error) => console.log(error.message));`;
  const { stdout } = await new Deno.Command("deno", {
    args: ["eval", "-q", "--ext=ts", script],
    cwd: ROOT,
    env,
  }).output();
  return new TextDecoder().decode(stdout);
}

test(
  "openDevice() says what to install where there is no driver",
  OPTIONS,
  async () => {
    const none = {
      VK_DRIVER_FILES: "/nonexistent",
      VK_ICD_FILENAMES: "/nonexistent",
    };
    const said = await openWith(none);
    assertStringIncludes(
      said,
      "Cannot open a WebGPU device: no adapter was found; install a Vulkan driver",
    );
  },
);

test(
  "openDevice() refuses OpenGL, which would be silent and slow",
  OPTIONS,
  async () => {
    // with OpenGL that backend is refused, without it no adapter is found
    const said = await openWith({ DENO_WEBGPU_BACKEND: "gl" });
    assertStringIncludes(said, "Cannot ");
    assertStringIncludes(said, 'leave DENO_WEBGPU_BACKEND unset or "vulkan"');
  },
);

test(
  "openDevice() asks llvmpipe for four threads where there are fewer processors, unless a number is given",
  OPTIONS,
  async () => {
    const isFew = navigator.hardwareConcurrency < 4;
    const unset = await openWith({ LP_NUM_THREADS: "" });
    assertEquals(unset.trim(), isFew ? "opened 4" : "opened");
    const given = await openWith({ LP_NUM_THREADS: "3" });
    assertEquals(given.trim(), "opened 3");
  },
);

test("isOpenGl() tells the backends apart on the adapters that were seen", () => {
  const unbounded = 2 ** 32 - 1;
  const rows = [
    { name: "H100, Vulkan", device: "9008", bound: unbounded, openGl: false },
    { name: "H100, OpenGL", device: "0", bound: unbounded, openGl: true },
    { name: "llvmpipe, Vulkan", device: "0", bound: 1024, openGl: false },
    { name: "llvmpipe, OpenGL", device: "0", bound: unbounded, openGl: true },
  ];
  for (const { name, device, bound, openGl } of rows) {
    const limits = { maxBindingsPerBindGroup: bound };
    assertEquals(isOpenGl({ info: { device }, limits }), openGl, name);
  }
});

const FILES = {
  permissions: { read: true, write: true },
  sanitizeOps: true,
  sanitizeResources: true,
} as const;

test(
  "wantedVectorWidth() is what the file says, and nothing without a file or with another word in it",
  FILES,
  async () => {
    const path = await Deno.makeTempFile();
    const file = toFileUrl(path);
    for (
      const [text, wanted] of [["512\n", "512"], ["", undefined], [
        "1024",
        undefined,
      ]] as const
    ) {
      await Deno.writeTextFile(path, text);
      assertEquals(wantedVectorWidth(file), wanted);
    }
    await Deno.remove(path);
    assertEquals(wantedVectorWidth(file), undefined);
  },
);

test(
  "wantedVectorWidth() asks for nothing where it may not read",
  { ...FILES, permissions: "none" },
  () => assertEquals(wantedVectorWidth(), undefined),
);
