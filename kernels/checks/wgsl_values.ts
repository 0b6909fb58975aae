/**
 * What an expression of WGSL becomes in JavaScript, and the language's own functions. A value that
 * is no array is a list of expressions, one a scalar, which change nothing; an array is a place in
 * memory.
 */
import {
  concrete,
  elementOf,
  meeting,
  type Scalar,
  scalar,
  sizeOf,
  type Type,
  vector,
} from "./wgsl_types.ts";

/** A value, or a place that has one. */
export interface Value {
  readonly type: Type;
  /** Its scalars; empty for an array. Names of variables, for a variable. */
  readonly parts: readonly string[];
  /** Where it lies: the name of a typed array, and the first of its elements. */
  readonly memory?: { readonly name: string; readonly at: string };
}

/** Makes a value of which each scalar is computed once. */
export type Hold = (value: Value) => Value;

/** A value of scalars. */
export function valueOf(type: Type, parts: readonly string[]): Value {
  return { type, parts };
}

/** A scalar or vector as a vector of so many; a scalar stands in each place. */
export function spread(value: Value, count: number): Value {
  const [only] = value.parts;
  if (value.parts.length === count || value.parts.length !== 1) return value;
  return valueOf(
    vector(elementOf(value.type), count),
    Array<string>(count).fill(only!),
  );
}

/** Values that meet, each as wide as the widest and of one type. */
export function together(values: readonly Value[], hold: Hold): Value[] {
  const count = Math.max(...values.map(({ parts }) => parts.length));
  const of = values.map(({ type }) => elementOf(type)).reduce(meeting);
  return values.map((value) => {
    const one = value.parts.length < count ? hold(value) : value;
    const { parts } = spread(one, count);
    return valueOf(vector(of, count), parts);
  });
}

type ByPart = (of: Scalar, ...parts: string[]) => string;

const BY_PART: Readonly<Record<string, ByPart>> = {
  abs: (_, x) => `Math.abs(${x})`,
  min: (_, a, b) => `Math.min(${a}, ${b})`,
  max: (_, a, b) => `Math.max(${a}, ${b})`,
  clamp: (_, x, low, high) => `Math.min(Math.max(${x}, ${low}), ${high})`,
  floor: (_, x) => `Math.floor(${x})`,
  exp: (_, x) => `Math.exp(${x})`,
  log: (_, x) => `Math.log(${x})`,
  sqrt: (_, x) => `Math.sqrt(${x})`,
  inverseSqrt: (_, x) => `(1 / Math.sqrt(${x}))`,
  tanh: (_, x) => `Math.tanh(${x})`,
  sign: (_, x) => `Math.sign(${x})`,
  fma: (_, a, b, c) => `(${a} * ${b} + ${c})`,
  firstLeadingBit: (_, x) => `((31 - Math.clz32(${x})) >>> 0)`,
};

/** Functions of the language that change nothing; undefined if this is none. */
export function builtin(
  name: string,
  given: readonly Value[],
  hold: Hold,
): Value | undefined {
  const byPart = Object.hasOwn(BY_PART, name) ? BY_PART[name] : undefined;
  if (byPart) {
    const all = together(given, hold);
    const { type } = all[0]!;
    const of = concreteFor(name, elementOf(type));
    return valueOf(
      vector(of, sizeOf(type)),
      all[0]!.parts.map((_, i) => byPart(of, ...all.map((x) => x.parts[i]!))),
    );
  }
  switch (name) {
    case "dot": {
      const [a, b] = given.map(hold);
      const terms = a!.parts.map((x, i) => `${x} * ${b!.parts[i]}`);
      return valueOf(scalar("f32"), [`(${terms.join(" + ")})`]);
    }
    case "select":
      return select(given, hold);
    case "unpack2x16float": {
      const word = hold(given[0]!).parts[0]!;
      return valueOf(vector("f32", 2), [
        `fromHalf(${word} & 65535)`,
        `fromHalf(${word} >>> 16)`,
      ]);
    }
    default:
      return undefined;
  }
}

function concreteFor(name: string, of: Scalar): Scalar {
  return /^(exp|log|sqrt|inverseSqrt|tanh|floor|fma)$/.test(name) ? "f32" : of;
}

function select(given: readonly Value[], hold: Hold): Value {
  const [no, yes] = together(given.slice(0, 2), hold);
  const count = no!.parts.length;
  const condition = spread(hold(given[2]!), count).parts;
  return valueOf(
    no!.type,
    no!.parts.map((x, i) => `(${condition[i]} ? ${yes!.parts[i]} : ${x})`),
  );
}

/** A scalar as another type, as `u32(x)` has it. */
export function converted(part: string, from: Scalar, to: Scalar): string {
  const is = concrete(from);
  if (is === concrete(to)) return part;
  if (to === "bool") return `(${part} !== 0)`;
  if (is === "bool") return `(${part} ? 1 : 0)`;
  if (to === "f32") return part;
  if (is === "f32") {
    // beyond the type's ends it is the end
    return to === "u32"
      ? `Math.min(Math.max(Math.trunc(${part}), 0), 4294967295)`
      : `Math.min(Math.max(Math.trunc(${part}), -2147483648), 2147483647)`;
  }
  return to === "u32" ? `(${part} >>> 0)` : `(${part} | 0)`;
}

/** A scalar's bits as another type. */
export function sameBits(part: string, from: Scalar, to: Scalar): string {
  const is = concrete(from);
  if (is === to) return part;
  if (to === "f32") return `fromBits(${part})`;
  const bits = is === "f32" ? `toBits(${part})` : part;
  return to === "u32" ? `(${bits} >>> 0)` : `(${bits} | 0)`;
}
