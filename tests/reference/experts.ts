/**
 * Float64 twins of kernels/experts/route.ts, grouped_linear.ts and combine_slots.ts, and of a whole
 * mixture of experts.
 */

type Numbers = ArrayLike<number>;

export interface RouteTwinOptions {
  readonly experts: number;
  readonly k: number;
  readonly normalize: boolean;
}

/** Chosen experts `[tokens * k]`, likeliest first, and their gates. */
export function routeTwin(
  logits: Numbers,
  { experts, k, normalize }: RouteTwinOptions,
): { chosen: number[]; gates: Float64Array } {
  const chosen: number[] = [];
  const gates: number[] = [];
  for (let at = 0; at < logits.length; at += experts) {
    const row = Array.from({ length: experts }, (_, e) => logits[at + e]!);
    const powers = row.map((x) => Math.exp(x - Math.max(...row)));
    const best = [...row.keys()]
      .sort((a, b) => row[b]! - row[a]! || a - b).slice(0, k);
    const over = normalize ? best.map((e) => powers[e]!) : powers;
    const total = over.reduce((sum, p) => sum + p, 0);
    chosen.push(...best);
    gates.push(...best.map((e) => powers[e]! / total));
  }
  return { chosen, gates: Float64Array.from(gates) };
}

/** Gradient of the logits, by the softmax's matrix of slopes. */
export function routeBackwardTwin(
  logits: Numbers,
  dgates: Numbers,
  options: RouteTwinOptions,
): Float64Array {
  const { experts, k, normalize } = options;
  const { chosen } = routeTwin(logits, options);
  const dlogits = new Float64Array(logits.length);
  for (let t = 0; t < logits.length / experts; t++) {
    const own = chosen.slice(t * k, (t + 1) * k);
    const among = normalize ? own : [...Array(experts).keys()];
    const row = among.map((e) => logits[t * experts + e]!);
    const powers = row.map((x) => Math.exp(x - Math.max(...row)));
    const total = powers.reduce((sum, p) => sum + p, 0);
    for (const [j, e] of own.entries()) {
      const p = powers[among.indexOf(e)]! / total;
      for (const [i, other] of among.entries()) {
        const slope = p * (Number(other === e) - powers[i]! / total);
        dlogits[t * experts + other]! += slope * dgates[t * k + j]!;
      }
    }
  }
  return dlogits;
}

/** Choices sorted by expert. */
export function sortTwin(
  chosen: readonly number[],
  { experts, k }: Pick<RouteTwinOptions, "experts" | "k">,
): { starts: number[]; tokens: number[]; slots: number[] } {
  const order = [...chosen.keys()]
    .sort((a, b) => chosen[a]! - chosen[b]! || a - b);
  const slots: number[] = [];
  for (const [slot, choice] of order.entries()) slots[choice] = slot;
  return {
    starts: Array.from(
      { length: experts + 1 },
      (_, e) => chosen.filter((own) => own < e).length,
    ),
    tokens: order.map((choice) => Math.floor(choice / k)),
    slots,
  };
}

/** `y[s] = ws[g] x[s]`, or `ws[g]ᵀ x[s]`, for rows s of group g. */
export function groupedTwin(
  x: Numbers,
  ws: readonly Numbers[],
  { starts, rows, cols, transposed = false }: {
    readonly starts: Numbers;
    readonly rows: number;
    readonly cols: number;
    readonly transposed?: boolean;
  },
): Float64Array {
  const [out, size] = transposed ? [cols, rows] : [rows, cols];
  const count = x.length / size;
  const y = new Float64Array(count * out);
  for (const [g, w] of ws.entries()) {
    for (let s = starts[g]!; s < starts[g + 1]!; s++) {
      for (let i = 0; i < out; i++) {
        for (let c = 0; c < size; c++) {
          const weight = transposed ? w[c * cols + i]! : w[i * cols + c]!;
          y[s * out + i]! += weight * x[s * size + c]!;
        }
      }
    }
  }
  return y;
}

/** `dw = sum over the rows s of group g of dy[s] x[s]ᵀ`, `[rows, cols]`. */
export function groupedGradientTwin(
  [dy, x]: readonly [Numbers, Numbers],
  [first, end]: readonly [number, number],
  [rows, cols]: readonly [number, number],
): Float64Array {
  const dw = new Float64Array(rows * cols);
  for (let s = first; s < end; s++) {
    for (let i = 0; i < rows * cols; i++) {
      const row = Math.floor(i / cols);
      dw[i]! += dy[s * rows + row]! * x[s * cols + i % cols]!;
    }
  }
  return dw;
}

/** The weights of a mixture of experts, each `[out, in]`. */
export interface ExpertTwin {
  readonly router: Numbers;
  readonly gate: readonly Numbers[];
  readonly up: readonly Numbers[];
  readonly down: readonly Numbers[];
}

/** The whole block, token by token: `[tokens, hidden]` to the same. Units are SiLU-gated. */
export function expertsTwin(
  x: Numbers,
  { router, gate, up, down }: ExpertTwin,
  options: RouteTwinOptions & { readonly hidden: number },
): Float64Array {
  const { hidden, k } = options;
  const product = (w: Numbers, row: Numbers) =>
    Float64Array.from({ length: w.length / row.length }, (_, i) => {
      let sum = 0;
      for (let c = 0; c < row.length; c++) {
        sum += w[i * row.length + c]! * row[c]!;
      }
      return sum;
    });
  const y = new Float64Array(x.length);
  for (let t = 0; t < x.length / hidden; t++) {
    const row = Float64Array.from(
      { length: hidden },
      (_, c) => x[t * hidden + c]!,
    );
    const { chosen, gates } = routeTwin(product(router, row), options);
    for (let j = 0; j < k; j++) {
      const e = chosen[j]!;
      const g = product(gate[e]!, row);
      const u = product(up[e]!, row);
      const unit = g.map((v, i) => v / (1 + Math.exp(-v)) * u[i]!);
      const made = product(down[e]!, unit);
      for (let c = 0; c < hidden; c++) {
        y[t * hidden + c]! += gates[j]! * made[c]!;
      }
    }
  }
  return y;
}

/** `y[t] = sum_j gates[t, j] x[slots[t, j]]`. */
export function combineTwin(
  x: Numbers,
  gates: Numbers,
  { k, cols, slots }: {
    readonly k: number;
    readonly cols: number;
    readonly slots: Numbers;
  },
): Float64Array {
  const y = new Float64Array(gates.length / k * cols);
  for (let i = 0; i < gates.length; i++) {
    for (let c = 0; c < cols; c++) {
      const to = Math.floor(i / k) * cols + c;
      y[to]! += gates[i]! * x[slots[i]! * cols + c]!;
    }
  }
  return y;
}
