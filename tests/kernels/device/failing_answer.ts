/** Lets one answer of this process's devices fail, whoever asks. */

/**
 * How it fails. `held`: the driver does not give the thread back; `refused`: the answer is refused
 * without a reason, as Deno does where the device is lost.
 */
export type AnswerFault = "held" | "refused";

/** Nobody ever wakes who waits here. */
const NOBODY = new Int32Array(new SharedArrayBuffer(4));

/** From now on the answer of this number fails, from 1. */
export function failAnswer(how: AnswerFault, at: number): void {
  const { mapAsync } = GPUBuffer.prototype;
  let answers = 0;
  GPUBuffer.prototype.mapAsync = function (...given) {
    if (++answers !== at) return mapAsync.apply(this, given);
    if (how === "held") Atomics.wait(NOBODY, 0, 0);
    return Promise.reject(new DOMException("validation error occurred"));
  };
}
