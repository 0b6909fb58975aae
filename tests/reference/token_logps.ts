/** Float64 twin of token_logps, forward and backward, in plain loops over the whole vocabulary. */

/** Numbers of a small problem, row-major. */
export interface TokenLogpsProblem {
  /** `[targets, hiddenSize]` */
  readonly hidden: ArrayLike<number>;
  /** `[vocabulary, hiddenSize]` */
  readonly head: ArrayLike<number>;
  readonly targetTokens: ArrayLike<number>;
  readonly vocabulary: number;
  readonly hiddenSize: number;
  readonly softcap?: number;
  readonly logitScale?: number;
  /** `[vocabulary]` */
  readonly bias?: ArrayLike<number>;
}

/** One target's numbers. */
export interface TokenLogpTwin {
  readonly logp: number;
  readonly lse: number;
  readonly meanLogit: number;
  readonly entropy: number;
  readonly correct: number;
  readonly sumSquares: number;
  /** `[vocabulary]` */
  readonly logits: readonly number[];
  /** d logit / d product, `[vocabulary]` */
  readonly logitSlopes: readonly number[];
}

/** The numbers that follow from one row of products with the head. */
export function tokenLogpOfProducts(
  products: readonly number[],
  target: number,
  { softcap, logitScale = 1, bias }: Pick<
    TokenLogpsProblem,
    "softcap" | "logitScale" | "bias"
  > = {},
): TokenLogpTwin {
  const raw = products.map((x, v) => logitScale * (x + (bias?.[v] ?? 0)));
  const logits = softcap
    ? raw.map((x) => softcap * Math.tanh(x / softcap))
    : raw;
  const logitSlopes = raw.map((x) =>
    softcap ? logitScale * (1 - Math.tanh(x / softcap) ** 2) : logitScale
  );
  const maximum = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = logits.reduce((s, l) => s + Math.exp(l - maximum), 0);
  const lse = maximum + Math.log(sum);
  const p = logits.map((l) => Math.exp(l - lse));
  return {
    logp: logits[target]! - lse,
    lse,
    meanLogit: logits.reduce((a, b) => a + b) / logits.length,
    entropy: lse - p.reduce((s, q, v) => s + q * logits[v]!, 0),
    correct: logits.indexOf(maximum) === target ? 1 : 0,
    sumSquares: p.reduce((s, q) => s + q * q, 0),
    logits,
    logitSlopes,
  };
}

/** Each target's numbers. */
export function tokenLogpsReference(p: TokenLogpsProblem): TokenLogpTwin[] {
  return Array.from(p.targetTokens, (target, t) => {
    const products = Array.from({ length: p.vocabulary }, (_, v) => {
      let sum = 0;
      for (let j = 0; j < p.hiddenSize; j++) {
        sum += p.hidden[t * p.hiddenSize + j]! * p.head[v * p.hiddenSize + j]!;
      }
      return sum;
    });
    return tokenLogpOfProducts(products, target, p);
  });
}

/** Gradients of `sum over t of slopes[t] logp[t]`. */
export function tokenLogpsBackwardReference(
  p: TokenLogpsProblem,
  slopes: ArrayLike<number>,
): { dHidden: Float64Array; dHead: Float64Array; dBias: Float64Array } {
  const { hiddenSize } = p;
  const dHidden = new Float64Array(p.hidden.length);
  const dHead = new Float64Array(p.head.length);
  const dBias = new Float64Array(p.vocabulary);
  for (const [t, row] of tokenLogpsReference(p).entries()) {
    for (let v = 0; v < p.vocabulary; v++) {
      const hit = v === p.targetTokens[t] ? 1 : 0;
      const d = slopes[t]! * row.logitSlopes[v]! *
        (hit - Math.exp(row.logits[v]! - row.lse));
      dBias[v]! += d;
      for (let j = 0; j < hiddenSize; j++) {
        dHidden[t * hiddenSize + j]! += d * p.head[v * hiddenSize + j]!;
        dHead[v * hiddenSize + j]! += d * p.hidden[t * hiddenSize + j]!;
      }
    }
  }
  return { dHidden, dHead, dBias };
}
