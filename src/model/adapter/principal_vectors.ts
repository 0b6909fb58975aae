/**
 * Finds the largest singular values of a weight and their vectors, by iteration on a random
 * subspace. The products with the weight run on the device, where the weight stays packed; the few
 * vectors are orthogonalized on the CPU in float64.
 *
 * Source: https://arxiv.org/abs/0909.4061, Algorithms 4.4 and 5.1.
 */
import type { Device } from "../../../kernels/device/device.ts";
import { linear, linearDx } from "../../../kernels/matmul/linear.ts";
import type { Matrix } from "../../../kernels/matrix/matrix.ts";
import type { Tensor } from "../../../kernels/device/tensor.ts";
import type { Random } from "../../base/random.ts";
import { symmetricEigen } from "../../base/symmetric_eigen.ts";

/** The largest singular values of a matrix `[rows, cols]` with their vectors, in falling order. */
export interface PrincipalVectors {
  /** `[rank]` */
  readonly values: Float64Array;
  /** `[rank]` vectors of `rows` numbers. */
  readonly left: readonly Float64Array[];
  /** `[rank]` vectors of `cols` numbers. */
  readonly right: readonly Float64Array[];
}

/** Additional vectors, which make the wanted ones converge faster. */
const OVERSAMPLING = 8;
const ITERATIONS = 4;

/** Finds the `rank` largest singular values with their vectors, or all if there are fewer. */
export async function principalVectors(
  device: Device,
  w: Matrix,
  rank: number,
  random: Random,
): Promise<PrincipalVectors> {
  const size = Math.min(rank + OVERSAMPLING, w.rows, w.cols);
  const draw = () =>
    Float64Array.from({ length: w.cols }, () => random.normal());
  const forward = (x: Tensor) => linear(device, x, w);
  const back = (y: Tensor) => linearDx(device, y, w);
  let right: Float64Array[] = Array.from({ length: size }, draw);
  let left = right;
  for (let i = 0; i < ITERATIONS; i++) {
    left = orthonormal(
      await multiplied(device, orthonormal(right), forward),
    );
    right = await multiplied(device, left, back);
  }
  const gram = Float64Array.from(
    right.flatMap((a) => right.map((b) => dot(a, b))),
  );
  const { values, vectors } = symmetricEigen(gram, size);
  const count = Math.min(rank, size);
  const singular = values.slice(0, count).map((x) => Math.sqrt(Math.max(x, 0)));
  const turned = (basis: readonly Float64Array[], k: number) =>
    combined(basis, vectors.subarray(k * size, (k + 1) * size));
  const indices = Array.from(singular.keys());
  return {
    values: singular,
    left: indices.map((k) => turned(left, k)),
    right: indices.map((k) =>
      turned(right, k).map((x) => x / Math.max(singular[k]!, 1e-30))
    ),
  };
}

/** Multiplies all vectors by the weight in one product. */
async function multiplied(
  device: Device,
  vectors: readonly Float64Array[],
  product: (x: Tensor) => Tensor,
): Promise<Float64Array[]> {
  using _scope = device.scope();
  const length = vectors[0]!.length;
  const numbers = new Float32Array(vectors.length * length);
  for (const [i, vector] of vectors.entries()) numbers.set(vector, i * length);
  const x = device.upload(numbers, [vectors.length, length]);
  const y = await device.read(product(x));
  const size = y.length / vectors.length;
  return vectors.map((_, i) =>
    Float64Array.from(y.subarray(i * size, (i + 1) * size))
  );
}

/** An orthonormal basis of the same space, by Gram-Schmidt done twice for accuracy. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = vector.slice();
    for (const other of [...done, ...done]) {
      const part = dot(rest, other);
      for (let i = 0; i < rest.length; i++) rest[i]! -= part * other[i]!;
    }
    const norm = Math.sqrt(dot(rest, rest));
    done.push(norm > 0 ? rest.map((x) => x / norm) : rest);
  }
  return done;
}

function combined(
  basis: readonly Float64Array[],
  factors: Float64Array,
): Float64Array {
  const sum = new Float64Array(basis[0]!.length);
  for (const [k, vector] of basis.entries()) {
    for (let i = 0; i < sum.length; i++) sum[i]! += factors[k]! * vector[i]!;
  }
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
