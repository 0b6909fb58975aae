#!/bin/sh
# Deno 2.9.6: while a program awaits what the GPU computes (`mapAsync()`, `onSubmittedWorkDone()`), no
# timer runs. The thread stands still for the whole time of the device.
#
# Guess, before the run: the wait is a promise like any other, as in a browser, so that a timer of
# 20 ms runs some ten times while the device is busy for 200 ms and more.
# Seen: it runs at most once, at the end. A limit of time by `setTimeout()`, a progress line or a
# server in the same thread does not work during a step; it needs a worker.
#
# Versions: deno 2.9.6 (from npm), any Vulkan device; seen with Mesa's llvmpipe 22.3.6.
# Output:
#   mapAsync: the device took 200 ms or more: true, timers in that time: at most one: true
#   onSubmittedWorkDone: the device took 200 ms or more: true, timers in that time: at most one: true
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit deno@2.9.6
cat >wait.ts <<'TYPESCRIPT'
const adapter = await navigator.gpu.requestAdapter();
if (adapter === null) throw new Error("this machine has no WebGPU device");
const device = await adapter.requestDevice();
const pipeline = device.createComputePipeline({
  layout: "auto",
  compute: {
    module: device.createShaderModule({
      code: `
        @group(0) @binding(0) var<storage, read_write> out: array<f32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
          var x = f32(id.x) * 0.001;
          for (var i = 0; i < 2000; i++) { x = sin(x) + 0.5; }
          out[id.x] += x;
        }`,
    }),
  },
});
const bytes = 64 * 64 * 4;
const out = device.createBuffer({
  size: bytes,
  usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
});
const group = device.createBindGroup({
  layout: pipeline.getBindGroupLayout(0),
  entries: [{ binding: 0, resource: { buffer: out } }],
});

/** Submits so many launches, and a copy to where it can be read. */
function submit(launches: number): GPUBuffer {
  const read = device.createBuffer({
    size: bytes,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  for (let i = 0; i < launches; i++) pass.dispatchWorkgroups(64);
  pass.end();
  encoder.copyBufferToBuffer(out, 0, read, 0, bytes);
  device.queue.submit([encoder.finish()]);
  return read;
}

const WAITS = {
  mapAsync: (read: GPUBuffer) => read.mapAsync(GPUMapMode.READ),
  onSubmittedWorkDone: () => device.queue.onSubmittedWorkDone(),
};

await WAITS.mapAsync(submit(1)); // compiles
for (const [name, wait] of Object.entries(WAITS)) {
  // as many launches as this device needs for 400 ms
  let launches = 1;
  for (let took = 0; took < 400; launches *= 2) {
    const start = performance.now();
    await wait(submit(launches));
    took = performance.now() - start;
  }
  const read = submit(launches);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 20);
  const start = performance.now();
  await wait(read);
  const took = performance.now() - start;
  clearInterval(timer);
  console.log(
    `${name}: the device took 200 ms or more: ${took >= 200}, ` +
      `timers in that time: at most one: ${ticks <= 1}`,
  );
}
Deno.exit();
TYPESCRIPT
node_modules/.bin/deno run --quiet wait.ts >seen 2>errors || { cat errors >&2; exit 1; }
cat seen
diff - seen <<'WANTED'
mapAsync: the device took 200 ms or more: true, timers in that time: at most one: true
onSubmittedWorkDone: the device took 200 ms or more: true, timers in that time: at most one: true
WANTED
