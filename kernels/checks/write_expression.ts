/** Writes expressions of WGSL as JavaScript. Knows no statement but constants of its own. */
import {
  concrete,
  elementOf,
  extentOf,
  isComparison,
  meeting,
  operation,
  type Scalar,
  scalar,
  sizeOf,
  type Type,
  vector,
  wrapped,
} from "./wgsl_types.ts";
import {
  builtin,
  converted,
  sameBits,
  spread,
  together,
  type Value,
  valueOf,
} from "./wgsl_values.ts";
import type { Expression, TypeName } from "./wgsl_tree.ts";

/** What a function is called as. */
export interface Callable {
  readonly name: string;
  readonly result: Type | undefined;
  /** Whether all invocations of a workgroup wait for each other in it. */
  readonly waits: boolean;
}

/** What is known outside the function at hand. */
export interface Outside {
  readonly typeOf: (name: TypeName) => Type;
  readonly functions: ReadonlyMap<string, Callable>;
}

/** Names and what they stand for, of a block and the blocks around it. */
export type Names = Map<string, Value>;

const SCALARS: Readonly<Record<string, Scalar>> = {
  f32: "f32",
  u32: "u32",
  i32: "i32",
  bool: "bool",
};
const SWIZZLE = "xyzwrgba";

let made = 0;

/** A name that no other variable has. */
export function fresh(name: string): string {
  return `${name}_${++made}`;
}

/** Writes the expressions of a function. */
export class ExpressionWriter {
  readonly lines: string[] = [];
  names: Names;
  readonly outside: Outside;

  constructor(outside: Outside, names: Names) {
    this.outside = outside;
    this.names = names;
  }

  /** Each scalar in a constant, unless it is one already. */
  hold = (value: Value): Value => {
    if (value.parts.every((part) => /^[\w.]+$/.test(part))) return value;
    return valueOf(value.type, value.parts.map((part) => this.#held(part)));
  };

  #held(part: string): string {
    if (/^[\w.]+$/.test(part)) return part;
    const name = fresh("t");
    this.lines.push(`const ${name} = ${part};`);
    return name;
  }

  /** A scalar's expression. */
  scalar(expression: Expression): string {
    const { parts } = this.value(expression);
    if (parts.length !== 1) throw new TypeError("Cannot run WGSL: no scalar");
    return parts[0]!;
  }

  /** The value of an expression. */
  value(expression: Expression): Value {
    const place = this.place(expression);
    if (place.memory === undefined || place.type.kind === "array") return place;
    const { name } = place.memory;
    const at = this.#held(place.memory.at);
    const count = sizeOf(place.type);
    const parts = Array.from({ length: count }, (_, i) => {
      const read = i === 0 ? `${name}[${at}]` : `${name}[${at} + ${i}]`;
      return elementOf(place.type) === "bool" ? `(${read} !== 0)` : read;
    });
    return valueOf(place.type, parts);
  }

  /** As `value()`, but what lies in memory is not read. */
  place(expression: Expression): Value {
    switch (expression.kind) {
      case "number":
        return numberOf(expression.text);
      case "name": {
        const { name } = expression;
        if (name === "true" || name === "false") {
          return valueOf(scalar("bool"), [name]);
        }
        const found = this.names.get(name);
        if (found) return found;
        throw new TypeError(`Cannot run WGSL: name "${name}" is not known`);
      }
      case "unary":
        return this.#unary(expression.op, expression.of);
      case "binary":
        return this.#binary(expression);
      case "call":
        return this.#call(expression.type, expression.given);
      case "index":
        return this.#index(this.place(expression.of), expression.at);
      case "member":
        return this.#member(this.place(expression.of), expression.name);
    }
  }

  #unary(op: string, of: Expression): Value {
    if (op === "&" || op === "*") return this.place(of);
    const { type, parts } = this.value(of);
    const element = elementOf(type);
    const signed = op === "-" && element === "u32" ? "i32" : element;
    return valueOf(
      type,
      parts.map((part) =>
        op === "!" ? `!${part}` : wrapped(signed, `${op}${part}`)
      ),
    );
  }

  #binary(
    { op, left, right }: Extract<Expression, { kind: "binary" }>,
  ): Value {
    if (op === "&&" || op === "||") return this.#shortcut(op, left, right);
    const given = [this.value(left), this.value(right)];
    const [x, y] = given as [Value, Value];
    const of = op === "<<" || op === ">>"
      ? concrete(elementOf(x.type))
      : meeting(elementOf(x.type), elementOf(y.type));
    const [a, b] = together(given, this.hold);
    return valueOf(
      vector(isComparison(op) ? "bool" : of, a!.parts.length),
      a!.parts.map((part, i) => operation(op, of, part, b!.parts[i]!)),
    );
  }

  /** The right side's own lines run only where its value counts. */
  #shortcut(op: string, left: Expression, right: Expression): Value {
    const first = this.scalar(left);
    const before = this.lines.length;
    const second = this.scalar(right);
    const own = this.lines.splice(before);
    if (own.length === 0) {
      return valueOf(scalar("bool"), [`(${first} ${op} ${second})`]);
    }
    const name = fresh("t");
    this.lines.push(
      `let ${name} = ${first};`,
      `if (${op === "&&" ? "" : "!"}${name}) {`,
      ...own,
      `${name} = ${second};`,
      "}",
    );
    return valueOf(scalar("bool"), [name]);
  }

  #index(of: Value, at: Expression): Value {
    const index = this.scalar(at);
    const { type, memory } = of;
    if (memory) {
      const element = type.kind === "array" ? type.of : scalar(elementOf(type));
      const step = extentOf(element);
      const offset = step === "1" ? index : `${index} * (${step})`;
      const place = memory.at === "0" ? offset : `${memory.at} + ${offset}`;
      const name = memory.name;
      return { type: element, parts: [], memory: { name, at: place } };
    }
    const element = scalar(elementOf(type));
    if (/^\d+$/.test(index)) {
      return valueOf(element, [of.parts[Number(index)]!]);
    }
    const held = this.#held(index);
    const [last, ...others] = of.parts.toReversed();
    const picked = others.toReversed().reduceRight(
      (rest, part, i) => `(${held} === ${i} ? ${part} : ${rest})`,
      last!,
    );
    return valueOf(element, [picked]);
  }

  #member({ type, parts, memory }: Value, name: string): Value {
    if (type.kind === "struct") {
      let at = 0;
      for (const [field, of] of type.fields) {
        const end = at + sizeOf(of);
        if (field === name) return valueOf(of, parts.slice(at, end));
        at = end;
      }
    }
    const places = [...name].map((letter) => SWIZZLE.indexOf(letter) % 4);
    const of = vector(elementOf(type), places.length);
    if (!memory) return valueOf(of, places.map((i) => parts[i]!));
    if (places.length === 1) {
      const at = `${memory.at} + ${places[0]}`;
      return { type: of, parts: [], memory: { name: memory.name, at } };
    }
    const at = this.#held(memory.at);
    return valueOf(of, places.map((i) => `${memory.name}[${at} + ${i}]`));
  }

  #call(type: TypeName, expressions: readonly Expression[]): Value {
    const { name } = type;
    const called = this.outside.functions.get(name);
    if (called) return this.#called(called, expressions);
    const given = expressions.map((one) => this.value(one));
    const own = this.#memoryCall(name, given, expressions) ??
      builtin(name, given, this.hold);
    if (own) return own;
    const to = name === "bitcast"
      ? this.outside.typeOf(type.of[0] as TypeName)
      : Object.hasOwn(SCALARS, name)
      ? scalar(SCALARS[name]!)
      : this.outside.typeOf(type);
    const turn = name === "bitcast" ? sameBits : converted;
    return constructed(to, given, turn);
  }

  #called(
    { name, result, waits }: Callable,
    expressions: readonly Expression[],
  ): Value {
    const words = expressions.flatMap((one) => {
      const { memory, parts } = one.kind === "unary" && one.op === "&"
        ? this.place(one)
        : this.value(one);
      return memory ? [memory.name, memory.at] : parts;
    });
    const call = `${waits ? "yield* " : ""}${name}(${words.join(", ")})`;
    if (result === undefined) {
      this.lines.push(`${call};`);
      return valueOf(scalar("u32"), ["0"]);
    }
    const held = this.#held(`(${call})`);
    if (result.kind === "array") {
      return { type: result, parts: [], memory: { name: held, at: "0" } };
    }
    const count = sizeOf(result);
    return valueOf(
      result,
      count === 1
        ? [held]
        : Array.from({ length: count }, (_, i) => `${held}[${i}]`),
    );
  }

  /** Functions of the language that read or change memory, or wait. */
  #memoryCall(
    name: string,
    given: readonly Value[],
    expressions: readonly Expression[],
  ): Value | undefined {
    switch (name) {
      case "workgroupBarrier":
      case "storageBarrier":
        this.lines.push("yield;");
        return valueOf(scalar("u32"), ["0"]);
      case "textureLoad": {
        const { memory, type } = given[0]!;
        const [x, y] = given[1]!.parts;
        const at = this.#held(`((${y}) * WIDTH + ${x}) * 4`);
        return valueOf(
          vector(elementOf((type as { of: Type }).of), 4),
          [0, 1, 2, 3].map((i) => `${memory!.name}[${at} + ${i}]`),
        );
      }
      case "textureStore": {
        const [x, y] = given[1]!.parts;
        const at = this.#held(`((${y}) * WIDTH + ${x}) * 4`);
        for (const [i, part] of given[2]!.parts.entries()) {
          this.lines.push(`${given[0]!.memory!.name}[${at} + ${i}] = ${part};`);
        }
        return valueOf(scalar("u32"), ["0"]);
      }
      case "atomicLoad":
      case "atomicAdd":
      case "atomicStore": {
        const { memory, type } = this.place(expressions[0]!);
        const at = this.#held(memory!.at);
        const old = this.#held(`(${memory!.name}[${at}])`);
        if (name !== "atomicLoad") {
          const value = given[1]!.parts[0]!;
          const next = name === "atomicAdd" ? `${old} + ${value}` : value;
          this.lines.push(`${memory!.name}[${at}] = ${next};`);
        }
        return valueOf(type, [old]);
      }
      default:
        return undefined;
    }
  }
}

function constructed(
  to: Type,
  given: readonly Value[],
  turn: typeof converted,
): Value {
  if (to.kind === "struct") {
    return valueOf(to, given.flatMap(({ parts }) => parts));
  }
  const of = elementOf(to);
  const parts = given.flatMap(({ type, parts }) =>
    parts.map((part) => turn(part, elementOf(type), of))
  );
  const count = sizeOf(to);
  if (parts.length === 0) {
    const zero = of === "bool" ? "false" : "0";
    return valueOf(to, Array<string>(count).fill(zero));
  }
  const value = valueOf(vector(of, parts.length), parts);
  const spreads = spread(value, count);
  return valueOf(to, spreads.parts.slice(0, count));
}

function numberOf(text: string): Value {
  const [, digits, suffix] = /^(0[xX][0-9a-fA-F]+|.*?)([iufh]?)$/.exec(text)!;
  const isFloat = suffix === "f" || /^\d*\.|^\d+[eE]/.test(digits!);
  const of = suffix === "u"
    ? "u32"
    : suffix === "i"
    ? "i32"
    : suffix === "f"
    ? "f32"
    : isFloat
    ? "float"
    : "int";
  return valueOf(scalar(of), [`${Number(digits)}`]);
}
