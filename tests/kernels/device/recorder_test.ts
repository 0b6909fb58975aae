/** When recorded work is submitted: often where it is heavy, seldom where it is light. */
import { assertEquals } from "@std/assert";
import { countingGpu } from "../../../kernels/device/counting_gpu.ts";
import { defineKernel } from "../../../kernels/device/kernel.ts";
import type { Pipeline } from "../../../kernels/device/pipelines.ts";
import { createRecorder, type Grid } from "../../../kernels/device/recorder.ts";
import { test } from "../../test_case.ts";

const LIMITS = { maxBufferSize: 1 << 28 } as GPUSupportedLimits;

/** Submissions of so many launches before they are asked for. */
function submissionsOf(launches: number, grid: Grid): number {
  const gpu = countingGpu(LIMITS);
  let submissions = 0;
  const { queue } = gpu as { queue: { submit: unknown } };
  queue.submit = () => submissions++;
  const recorder = createRecorder(gpu);
  const kernel = defineKernel(
    "counted",
    "struct Params { count: u32 } @group(0) @binding(0) var<uniform> params: Params;",
  );
  // a pass and an encoder that do nothing ask nothing of a pipeline
  const pipeline = { id: 0, kernel } as Pipeline;
  for (let i = 0; i < launches; i++) {
    recorder.launch(pipeline, [], { count: 1 }, grid);
  }
  recorder.destroy();
  return submissions;
}

test("many workgroups are submitted after 48 launches, few after 192", () => {
  assertEquals(submissionsOf(48, [64, 2]), 0);
  assertEquals(submissionsOf(49, [64, 2]), 1);
  assertEquals(submissionsOf(97, [16, 2, 4]), 2);
  assertEquals(submissionsOf(192, [8]), 0);
  assertEquals(submissionsOf(193, [8]), 1);
});

test("launches that become heavy late are submitted at once", () => {
  assertEquals(submissionsOf(100, [32]), 1);
});
