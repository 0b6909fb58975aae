/**
 * Records differentiable ops in the order they ran and walks them in reverse. Knows no op: each
 * brings its own backward. Owns what it records: an op's output and saved tensors go back to the
 * device as soon as no earlier op can need them, so the backward pass needs hardly more memory than
 * the forward pass.
 */
import type { Device } from "../../kernels/device/device.ts";
import { add, addInto } from "../../kernels/rows/elementwise.ts";
import type { Tensor } from "../../kernels/device/tensor.ts";

/**
 * Computes the gradients of an op's inputs from the gradient `dy` of its output, in the order of
 * the inputs; undefined for inputs that need none. If `into[i]` is given, the gradient of input i
 * may be added to it in place, and `into[i]` is returned. `inputs` have the contents of the forward
 * pass, but they may lie in other buffers than then.
 */
export type Backward = (
  dy: Tensor,
  into: readonly (Tensor | undefined)[],
  inputs: readonly Tensor[],
) => readonly (Tensor | undefined)[];

/** One op as it ran. */
export interface TapeEntry {
  readonly output: Tensor;
  /** Tensors to which a gradient may flow. */
  readonly inputs: readonly Tensor[];
  /** Whether the op has trained parameters of its own, whose gradients its backward accumulates. */
  readonly trains?: boolean;
  /** Tensors that only this op's backward needs. */
  readonly saved?: readonly Tensor[];
  /**
   * Which of the inputs and the output `backward` reads; default: all of them. A tensor that no op
   * reads is not kept for the backward pass.
   */
  readonly reads?: readonly Tensor[];
  /**
   * Computes the output again, bit for bit, from the inputs. It is given if that is cheaper than
   * keeping the output until the backward pass. The tensors that it reads are among `reads` and
   * `saved`.
   */
  readonly again?: (inputs: readonly Tensor[]) => Tensor;
  readonly backward: Backward;
}

let current: Tape | undefined;

/** Whether ops are being recorded now. */
export function isRecording(): boolean {
  return current !== undefined;
}

/** Records an op if a tape runs and a gradient can flow through it; returns its output. */
export function record(entry: TapeEntry): Tensor {
  current?.push(entry);
  return entry.output;
}

/** Whether a gradient flows to `x` on the tape in use. */
export function isTracked(x: Tensor): boolean {
  return current?.tracks(x) ?? false;
}

/** An op on the tape, and whether its output was released already. */
interface TapeStep {
  readonly entry: TapeEntry;
  isGone: boolean;
}

/** The ops of one forward pass. */
export class Tape {
  #device: Device;
  #steps: TapeStep[] = [];
  #tracked: Set<Tensor>;
  /** Ops whose outputs were released and can be computed again, by their outputs. */
  #lost = new Map<Tensor, TapeEntry>();
  /** Outputs that were computed again, by the released outputs that they replace. */
  #found = new Map<Tensor, Tensor>();
  #gradients = new Map<Tensor, Tensor>();
  /** How many gradients share a buffer: an addition gives its own gradient to both inputs. */
  #shares = new Map<Tensor["buffer"], number>();

  private constructor(device: Device, watched: readonly Tensor[]) {
    this.#device = device;
    this.#tracked = new Set(watched);
  }

  /** Runs `forward` and records it; `watched` are inputs whose gradients are wanted. */
  static record<T>(
    device: Device,
    forward: () => T,
    watched: readonly Tensor[] = [],
  ): { value: T; tape: Tape } {
    const outer = current;
    const tape = new Tape(device, watched);
    current = tape;
    try {
      return { value: forward(), tape };
    } finally {
      current = outer;
    }
  }

  /** Runs `forward` without recording. */
  static pause<T>(forward: () => T): T {
    const outer = current;
    current = undefined;
    try {
      return forward();
    } finally {
      current = outer;
    }
  }

  tracks(x: Tensor): boolean {
    return this.#tracked.has(x);
  }

  push(entry: TapeEntry): void {
    if (!entry.trains && !entry.inputs.some((x) => this.#tracked.has(x))) {
      return;
    }
    this.#tracked.add(entry.output);
    this.#steps.push({ entry, isGone: false });
  }

  /**
   * Runs `block` in its own scope. Only its result and the tensors that its backward pass reads
   * outlive the scope.
   */
  contain(block: () => Tensor): Tensor {
    using scope = this.#device.scope();
    const first = this.#steps.length;
    const result = scope.keep(block());
    const kept = new Set([result.buffer]);
    const steps = this.#steps.slice(first);
    const again = new Set(
      steps.filter(({ entry }) => entry.again && entry.output !== result)
        .map(({ entry }) => entry.output),
    );
    for (const { entry } of steps) {
      const { inputs, output, saved = [], reads = [...inputs, output] } = entry;
      for (const tensor of [...saved, ...reads]) {
        if (again.has(tensor)) continue;
        kept.add(scope.keep(tensor).buffer);
      }
    }
    for (const step of steps) {
      const { entry } = step;
      step.isGone = !kept.has(entry.output.buffer);
      if (step.isGone && entry.again) this.#lost.set(entry.output, entry);
    }
    return result;
  }

  /**
   * Accumulates the gradients of all trained parameters, given the gradient of `output`, which the
   * caller still owns. It can run only once.
   *
   * @returns the gradients of `watched`; undefined for tensors that no gradient reaches
   */
  backward(
    output: Tensor,
    dOutput: Tensor,
    watched: readonly Tensor[] = [],
  ): (Tensor | undefined)[] {
    this.#shares.set(dOutput.buffer, 1);
    this.#give(output, dOutput);
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      const { entry, isGone } = step;
      const { output, saved = [] } = entry;
      const dy = this.#gradients.get(output);
      if (dy) this.#apply(entry, dy);
      for (const tensor of saved) this.#device.release(tensor);
      const found = this.#found.get(output);
      if (found) this.#device.release(found);
      else if (!isGone && !watched.includes(output)) {
        this.#device.release(output);
      }
    }
    return watched.map((x) => this.#gradients.get(x));
  }

  #apply(entry: TapeEntry, dy: Tensor): void {
    this.#gradients.delete(entry.output);
    const wanted = entry.inputs.map((x) => this.#tracked.has(x));
    const into = entry.inputs.map((x, i) =>
      wanted[i] ? this.#own(x, dy) : undefined
    );
    const inputs = this.#inputsOf(entry);
    for (const [i, dx] of entry.backward(dy, into, inputs).entries()) {
      if (!dx || dx === into[i]) continue;
      if (wanted[i]) this.#give(entry.inputs[i]!, dx);
      else if (dx.buffer !== dy.buffer) this.#device.release(dx);
    }
    this.#drop(dy);
  }

  /** The inputs of an op. Those that it reads and that were released are computed again. */
  #inputsOf({ inputs, reads = inputs }: TapeEntry): Tensor[] {
    return inputs.map((x) => reads.includes(x) ? this.#contentsOf(x) : x);
  }

  /**
   * The contents of a tensor, computed again if it was released. They are kept until the backward
   * of the op that made the tensor is done.
   */
  #contentsOf(x: Tensor): Tensor {
    const entry = this.#lost.get(x);
    if (!entry) return x;
    const found = this.#found.get(x) ?? entry.again!(this.#inputsOf(entry));
    this.#found.set(x, found);
    return found;
  }

  /** The gradient of `x` so far, if nothing else shares its buffer. */
  #own(x: Tensor, dy: Tensor): Tensor | undefined {
    const dx = this.#gradients.get(x);
    const alone = dx && dx.buffer !== dy.buffer &&
      this.#shares.get(dx.buffer) === 1;
    return alone ? dx : undefined;
  }

  #give(x: Tensor, dx: Tensor): void {
    const before = this.#gradients.get(x);
    if (!before) {
      this.#gradients.set(x, dx);
      this.#shares.set(dx.buffer, (this.#shares.get(dx.buffer) ?? 0) + 1);
      return;
    }
    if (this.#shares.get(before.buffer) === 1) {
      addInto(this.#device, before, dx);
    } else {
      const sum = add(this.#device, before, dx);
      this.#drop(before);
      this.#gradients.set(x, sum);
      this.#shares.set(sum.buffer, 1);
    }
    if (!this.#shares.has(dx.buffer)) this.#device.release(dx);
  }

  #drop(gradient: Tensor): void {
    const left = (this.#shares.get(gradient.buffer) ?? 1) - 1;
    if (left > 0) this.#shares.set(gradient.buffer, left);
    else {
      this.#shares.delete(gradient.buffer);
      this.#device.release(gradient);
    }
  }
}

/**
 * Runs `block` on `x` without recording it, and runs it again, recorded, when its gradient is
 * needed. This saves the memory of the block's activations and costs a second forward pass. If no
 * tape records, the block just runs.
 *
 * Source: https://arxiv.org/abs/1604.06174.
 */
export function checkpoint(
  device: Device,
  x: Tensor,
  block: (x: Tensor) => Tensor,
): Tensor {
  const output = contained(device, () => Tape.pause(() => block(x)));
  return record({
    output,
    inputs: [x],
    trains: true,
    backward: (dy) => {
      const again = Tape.record(
        device,
        () => contained(device, () => block(x)),
        [x],
      );
      return again.tape.backward(again.value, dy, [x]);
    },
  });
}

/**
 * Runs `forward` in its own scope. Only its result and the tensors that a running tape needs
 * outlive the scope.
 */
export function contained(device: Device, forward: () => Tensor): Tensor {
  if (current) return current.contain(forward);
  using scope = device.scope();
  return scope.keep(forward());
}
