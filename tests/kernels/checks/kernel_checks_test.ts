/**
 * A driver that computes wrongly is named before anything is read, and a right one is remembered.
 * The wrong driver compiles another text than it was given.
 */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  launchCheck,
  prepareCheck,
} from "../../../kernels/checks/check_pipeline.ts";
import {
  type CheckStore,
  createKernelChecks,
} from "../../../kernels/checks/kernel_checks.ts";
import { Device } from "../../../kernels/device/device.ts";
import type { Kernel } from "../../../kernels/device/kernel.ts";
import { openDevice } from "../../../kernels/device/open_deno.ts";
import { createPipelines } from "../../../kernels/device/pipelines.ts";
import { everyKernel } from "../../../kernels/every_kernel.ts";
import { add } from "../../../kernels/rows/elementwise.ts";
import { kernelFiles } from "../kernel_files.ts";
import { test } from "../../test_case.ts";

const hasDevice = await openDevice().then((device) => {
  device[Symbol.dispose]();
  return true;
}, () => false);
const OPTIONS = {
  permissions: { read: true },
  sanitizeOps: true,
  sanitizeResources: true,
  ignore: !hasDevice,
} as const;

type Change = (text: string, name: string) => string;

/** A device whose driver compiles what `change` makes of a text. */
async function deviceWith(change: Change, store?: CheckStore): Promise<Device> {
  const like = await openDevice();
  const { gpu, description } = like;
  const createShaderModule = gpu.createShaderModule.bind(gpu);
  gpu.createShaderModule = (given) =>
    createShaderModule({ ...given, code: change(given.code, given.label!) });
  const checks = createKernelChecks(store);
  return Device.of({ gpu, description, isCpu: true }, { checks });
}

/** Words of a kernel and what a wrong driver takes them for, by what the kernel does. */
const PLANTS: Readonly<
  Record<
    string,
    readonly (readonly [
      kernel: RegExp,
      from: RegExp,
      to: string,
      constants?: Readonly<Record<string, number>>,
    ])[]
  >
> = {
  product: [
    [/^matmul_gpu_nt_64x64x16$/, /fma\(vec4f\(a0\.z\)/, "fma(vec4f(a0.y)"],
    [/^few_rows_gpu$/, /dot\(/, "1.01 * dot("],
    [/^together_cpu_f32_1x1_8x16$/, /(s\d+_\d+) \+ /, "$1 - "],
    [/^low_rank_cpu_1$/, /factor = params\.scale/, "factor = 1.0"],
  ],
  sum: [
    [/^sum_of_squares$/, /half > 0u/, "half > 1u"],
    [/^rms_norm$/, /squares \+= v \* v/, "squares = v * v"],
    [/^column_sums$/, /else \{ sum \+= value/, "else { sum -= value"],
    [/^split_sums$/, /params\.factor/, "1.0"],
  ],
  maximum: [
    [/^likeliest_blocks$/, />/, "<"],
    [/^softmax_blocks_4$/, /max\(max/, "max(min"],
    [/^route$/, /x > value/, "x < value"],
  ],
  "exchange between lanes": [
    [/^adamw_8bit$/, /tops\[lane \+ half\]/, "tops[lane]"],
    [/^vocabulary_chunk_cpu$/, /(maxima|sums)\[lane \+ (\w+)\]/, "$1[lane]"],
    [/^transpose_gpu$/, /params\.cols/, "params.rows"],
  ],
  pack: [
    [/^adamw_8bit$/, /<< 16u/, "<< 15u"],
    [/^embedding_gpu$/, /values\[j\]/, "values[3u - j]"],
    [
      /^matmul_gpu_nt_64x64x16_codes$/,
      /code & 15\b/,
      "code & 7",
      { FORMAT: 4 },
    ],
    [/^restore_scales$/, /8 \* r/, "4 * r"],
  ],
  index: [
    [/^gather_rows$/, /index\[/, "1u + index["],
    [/^attention_gpu$/, /range\.x < range\.y/, "range.x > range.y"],
    [/^rope$/, /positions\[/, "1u + positions["],
    [/^expert_slots$/, /slot\+\+/, "slot += 2u"],
  ],
};

function kernelOf(name: RegExp): Kernel {
  const found = everyKernel(kernelFiles()).find((one) => name.test(one.name));
  if (found) return found;
  throw new Error(`no kernel is called ${name}`);
}

for (const [family, plants] of Object.entries(PLANTS)) {
  test(
    `launchCheck() names a wrong kernel of the family "${family}"`,
    OPTIONS,
    async () => {
      for (const [name, from, to, constants = {}] of plants) {
        const kernel = kernelOf(name);
        const right = kernel.source.replaceAll(/\/\/.*/g, "");
        const wrong = right.replace(from, to);
        assertEquals(
          wrong === right,
          false,
          `${kernel.name} as it was`,
        );
        using device = await openDevice();
        const pipelines = createPipelines(device.gpu);
        const prepared = prepareCheck(kernel, { constants });
        const texts = [right, wrong];
        const found = texts.map(async (source, i) => {
          const pipeline = pipelines({ ...kernel, name: `${i}`, source }, {
            constants,
          });
          const check = launchCheck(
            device.gpu,
            { ...pipeline, kernel },
            prepared,
          );
          await check.done;
          const difference = check.compare();
          check.destroy();
          return difference?.kernel;
        });
        assertEquals(await Promise.all(found), [undefined, kernel.name]);
      }
    },
  );
}

/** A sum that a command would read. */
async function sum(device: Device): Promise<number[]> {
  using _scope = device.scope();
  const [a, b] = [[1, 2, 3], [10, 20, 30]].map((numbers) =>
    device.upload(Float32Array.from(numbers), [3])
  );
  return [...await device.read(add(device, a!, b!))];
}

const MINUS: Change = (code, name) =>
  name === "add" ? code.replaceAll("a[i] + b[i]", "a[i] - b[i]") : code;

test(
  "Device.read() gives nothing that a wrong kernel may have made, at no read",
  OPTIONS,
  async () => {
    using device = await deviceWith(MINUS);
    const { message } = await assertRejects(() => sum(device), Error);
    assertStringIncludes(message, `"${device.description.trim()}"`);
    assertStringIncludes(message, 'kernel "add" wrongly: found y[');
    assertStringIncludes(message, "update the graphics driver");
    await assertRejects(() => sum(device), Error, 'kernel "add" wrongly');
    await assertRejects(() => device.finish(), Error, 'kernel "add" wrongly');
  },
);

test(
  "createKernelChecks() remembers what was right, and checks it anew where that is damaged",
  OPTIONS,
  async () => {
    const texts = new Map<string, string>();
    const store: CheckStore = {
      read: (key) => Promise.resolve(texts.get(key)),
      write: (key, text) => Promise.resolve(void texts.set(key, text)),
    };
    const opened = async (change: Change) => {
      using device = await deviceWith(change, store);
      return await sum(device);
    };
    assertEquals(await opened((code) => code), [11, 22, 33]);
    assertEquals(texts.size, 1);
    // what is remembered is not checked again: so a later wrong driver of that name is believed
    assertEquals(await opened(MINUS), [-9, -18, -27]);
    const [key, text] = [...texts][0]!;
    const damages = ["", "{", "null", '{"right":5}', text.slice(0, -9)];
    // one digit of a hash
    damages.push(
      text.replace(
        /"([0-9a-f])([0-9a-f]{31})"/,
        (_, a, b) => `"${a === "0" ? 1 : 0}${b}"`,
      ),
    );
    for (const damaged of damages) {
      texts.set(key, damaged);
      await assertRejects(() => opened(MINUS), Error, 'kernel "add" wrongly');
      texts.set(key, damaged);
      assertEquals(await opened((code) => code), [11, 22, 33]);
    }
  },
);
