/** What is said of an adapter's tensors that do not fit its config. */
import { assertStringIncludes, assertThrows } from "@std/assert";
import type { Dtype } from "../../../src/files/safetensors/dtype.ts";
import { checkAdapter } from "../../../src/model/adapter/adapter_layout.ts";
import type { TensorReader } from "../../../src/files/safetensors/safetensors.ts";
import { test } from "../../test_case.ts";

const A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";
const B = A.replace("lora_A", "lora_B");

/** What is said of a file whose A and B have these shapes, where rank 8 is expected. */
function refusal(
  [a, b]: readonly (readonly number[])[],
  dtype: Dtype = "F32",
): string {
  const tensors = new Map(
    [[A, a!] as const, [B, b!] as const].map(([name, shape]) => [
      name,
      { name, dtype, shape, offset: 0, bytes: 0 },
    ]),
  );
  const reader = { tensors, files: ["adapter_model.safetensors"] };
  return assertThrows(
    () =>
      checkAdapter(
        [{ name: A, shape: [8, 32] }, { name: B, shape: [16, 8] }],
        reader as unknown as TensorReader,
      ),
    TypeError,
  ).message;
}

test("checkAdapter() says that the rank of config and tensors differ, if that explains all", () => {
  const message = refusal([[4, 32], [16, 4]]);
  assertStringIncludes(message, `"${A}" has shape [4, 32], expected [8, 32]`);
  assertStringIncludes(
    message,
    "adapter_config.json gives these layers rank 8, their tensors have rank 4",
  );
  assertStringIncludes(refusal([[0, 32], [16, 0]]), "have rank 0");
});

test("checkAdapter() names tensors of types that are not served", () => {
  for (const dtype of ["F64", "I8", "U8", "F8_E4M3"] as const) {
    const message = refusal([[8, 32], [16, 8]], dtype);
    for (const name of [A, B]) {
      assertStringIncludes(
        message,
        `tensor "${name}" has type ${dtype}, expected F32, F16 or BF16`,
      );
    }
  }
});
