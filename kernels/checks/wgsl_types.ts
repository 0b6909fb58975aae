/** Types of WGSL values, and the arithmetic of each as JavaScript. Knows no statement. */

/** `int` and `float` are numbers in the text that take the type of what they meet. */
export type Scalar = "f32" | "u32" | "i32" | "bool" | "int" | "float";

/** A type. Values of all but arrays are kept scalar by scalar. */
export type Type =
  | { readonly kind: "scalar"; readonly of: Scalar }
  | { readonly kind: "vector"; readonly of: Scalar; readonly count: number }
  | {
    readonly kind: "array";
    readonly of: Type;
    readonly count: string;
  }
  | {
    readonly kind: "struct";
    readonly fields: ReadonlyMap<string, Type>;
  };

/** A scalar's type. */
export function scalar(of: Scalar): Type {
  return { kind: "scalar", of };
}

/** A vector's type, or a scalar's for a count of 1. */
export function vector(of: Scalar, count: number): Type {
  return count === 1 ? scalar(of) : { kind: "vector", of, count };
}

/** Scalars of a value that is no array. */
export function sizeOf(type: Type): number {
  switch (type.kind) {
    case "scalar":
      return 1;
    case "vector":
      return type.count;
    case "struct":
      return [...type.fields.values()].reduce((sum, of) => sum + sizeOf(of), 0);
    case "array":
      throw new TypeError("Cannot run WGSL: an array is no value");
  }
}

/** Scalars that something takes in memory, as JavaScript. */
export function extentOf(type: Type): string {
  return type.kind === "array"
    ? `${type.count} * ${extentOf(type.of)}`
    : `${sizeOf(type)}`;
}

/** The scalar's type of a scalar or vector. */
export function elementOf(type: Type): Scalar {
  if (type.kind === "scalar" || type.kind === "vector") return type.of;
  throw new TypeError(`Cannot run WGSL: found ${type.kind}, expected numbers`);
}

/** Numbers of a type that only text has become what they are by themselves. */
export function concrete(of: Scalar): Scalar {
  return of === "int" ? "i32" : of === "float" ? "f32" : of;
}

/** The type of two scalars that meet. */
export function meeting(a: Scalar, b: Scalar): Scalar {
  if (a === "int" || (a === "float" && b !== "int")) return b;
  return a;
}

/** An expression as what its type allows: 32 bits. */
export function wrapped(of: Scalar, code: string): string {
  if (of === "u32") return `((${code}) >>> 0)`;
  return of === "i32" ? `((${code}) | 0)` : `(${code})`;
}

/** Whether an operator gives a truth. */
export function isComparison(op: string): boolean {
  return /^(==|!=|<|>|<=|>=)$/.test(op);
}

/** One scalar of `a op b`. */
export function operation(
  op: string,
  of: Scalar,
  a: string,
  b: string,
): string {
  if (isComparison(op)) return `(${a} ${op.replace(/^[!=]=$/, "$&=")} ${b})`;
  if (of === "bool") return op === "&" ? `(${a} && ${b})` : `(${a} || ${b})`;
  if (op === ">>") return of === "u32" ? `(${a} >>> ${b})` : `(${a} >> ${b})`;
  if (of === "f32" || of === "float") return `(${a} ${op} ${b})`;
  if (op === "*" && of !== "int") return wrapped(of, `Math.imul(${a}, ${b})`);
  if (op === "/" && of === "int") return `Math.trunc(${a} / ${b})`;
  return wrapped(of, `${a} ${op} ${b}`);
}
