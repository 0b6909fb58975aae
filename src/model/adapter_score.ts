/** The reward head in an adapter's file: read into a model that has one. Knows no path. */
import { refreshWeight } from "../autograd/parameter.ts";
import { type FloatDtype, toFloat32 } from "../files/dtype.ts";
import type { TensorReader } from "../files/safetensors.ts";
import type { Model } from "./model.ts";
import { ADAPTER_SCORE } from "./reward_head.ts";

/**
 * Overwrites a model's trained reward head.
 *
 * @throws {TypeError} if the file has none of the right size
 */
export async function readAdapterScore(
  { device, score }: Model,
  reader: TensorReader,
): Promise<void> {
  const info = reader.tensors.get(ADAPTER_SCORE);
  const { value } = score!.parameter!;
  if (info?.shape.join() !== value.shape.join()) {
    throw new TypeError(
      `Cannot load "${reader.files.join('", "')}": tensor "${ADAPTER_SCORE}" ${
        info ? `has shape [${info.shape.join(", ")}]` : "is missing"
      }, expected shape [${value.shape.join(", ")}]`,
    );
  }
  const bytes = await reader.read(ADAPTER_SCORE);
  device.write(value, toFloat32(bytes, info.dtype as FloatDtype));
  refreshWeight(device, score!);
}
