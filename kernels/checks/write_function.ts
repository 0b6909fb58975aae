/** Writes a function of WGSL as JavaScript. */
import {
  type Callable,
  ExpressionWriter,
  fresh,
  type Names,
  type Outside,
} from "./write_expression.ts";
import {
  concrete,
  elementOf,
  extentOf,
  sizeOf,
  type Type,
  vector,
} from "./wgsl_types.ts";
import { converted, spread, type Value, valueOf } from "./wgsl_values.ts";
import type {
  Declaration,
  Expression,
  FunctionTree,
  Statement,
} from "./wgsl_tree.ts";

/** A function's text, with its parameters scalar by scalar. */
export function writeFunction(
  tree: FunctionTree,
  { name, waits, result }: Callable,
  outside: Outside,
  around: Names,
): string {
  const names: Names = new Map(around);
  const words: string[] = [];
  for (const field of tree.fields) {
    const isPointer = field.type.name === "ptr";
    const type = outside.typeOf(
      isPointer ? field.type.of[1] as typeof field.type : field.type,
    );
    if (type.kind === "array") {
      const [memory, at] = [fresh(field.name), fresh("at")];
      words.push(memory, at);
      names.set(field.name, { type, parts: [], memory: { name: memory, at } });
    } else {
      const parts = partNames(field.name, type);
      words.push(...parts);
      names.set(field.name, valueOf(type, parts));
    }
  }
  const writer = new FunctionWriter(outside, names, result);
  writer.statement(tree.body);
  return [
    `function${waits ? "*" : ""} ${name}(${words.join(", ")}) {`,
    ...writer.lines,
    "}",
  ].join("\n");
}

function partNames(name: string, type: Type): string[] {
  return Array.from({ length: sizeOf(type) }, () => fresh(name));
}

class FunctionWriter extends ExpressionWriter {
  readonly #result: Type | undefined;
  /** Labels of what `break` and `continue` leave, the innermost last. */
  readonly #breaks: string[] = [];
  readonly #continues: string[] = [];

  constructor(outside: Outside, names: Names, result: Type | undefined) {
    super(outside, names);
    this.#result = result;
  }

  statement(of: Statement): void {
    switch (of.kind) {
      case "declare":
        return this.#declare(of);
      case "assign":
        return this.#assign(of);
      case "call":
        return void this.value(of.of);
      case "block":
        return this.#inside(() =>
          of.body.forEach((one) => this.statement(one))
        );
      case "if":
        this.lines.push(`if (${this.scalar(of.condition)}) {`);
        this.statement(of.then);
        if (of.otherwise) {
          this.lines.push("} else {");
          this.statement(of.otherwise);
        }
        return void this.lines.push("}");
      case "loop":
        return this.#inside(() => this.#loop(of));
      case "switch":
        return this.#switch(of);
      case "return": {
        if (this.#result?.kind === "array") return this.#returnArray(of.value!);
        const value = of.value && this.#fitted(this.value(of.value));
        const word = value === undefined
          ? ""
          : value.length === 1
          ? value[0]
          : `[${value.join(", ")}]`;
        return void this.lines.push(`return ${word};`);
      }
      case "break":
        return void this.lines.push(`break ${this.#breaks.at(-1)};`);
      case "continue":
        return void this.lines.push(`break ${this.#continues.at(-1)};`);
    }
  }

  #fitted(value: Value): readonly string[] {
    const count = this.#result ? sizeOf(this.#result) : 0;
    return spread(this.hold(value), count).parts;
  }

  #returnArray(value: Expression): void {
    const copy = copyOf(this.place(value));
    this.lines.push(`return ${copy};`);
  }

  /** Names that are declared meanwhile are gone afterwards. */
  #inside(write: () => void): void {
    const before = this.names;
    this.names = new Map(before);
    this.lines.push("{");
    write();
    this.lines.push("}");
    this.names = before;
  }

  #declare({ how, name, type, value }: Declaration): void {
    const given = value && this.value(value);
    const of = type ? this.outside.typeOf(type) : settled(given!.type);
    if (of.kind === "array") {
      const memory = fresh(name);
      const contents = given
        ? copyOf(given)
        : `new Float64Array(${extentOf(of)})`;
      this.lines.push(`const ${memory} = ${contents};`);
      this.names.set(name, {
        type: of,
        parts: [],
        memory: { name: memory, at: "0" },
      });
      return;
    }
    const parts = partNames(name, of);
    const numbers = given
      ? fittedTo(of, given)
      : parts.map(() => isTruth(of) ? "false" : "0");
    const word = how === "var" ? "let" : "const";
    for (const [i, part] of parts.entries()) {
      this.lines.push(`${word} ${part} = ${numbers[i]};`);
    }
    this.names.set(name, valueOf(of, parts));
  }

  #assign({ to, op, value }: Extract<Statement, { kind: "assign" }>): void {
    const made = op === ""
      ? this.value(value)
      : this.value({ kind: "binary", op, left: to, right: value });
    if (to.kind === "name" && to.name === "_") return;
    const place = this.place(to);
    if (place.type.kind === "array") {
      const { name, at } = place.memory!;
      return void this.lines.push(`${name}.set(${copyOf(made)}, ${at});`);
    }
    if (place.memory) return this.#store(place, fittedTo(place.type, made));
    if (to.kind === "index") return this.#assignPart(to, made);
    const parts = place.parts.length > 1 ? this.hold(made) : made;
    // a variable that is read is its own copy first
    const numbers = fittedTo(place.type, parts);
    const copies = place.parts.length > 1
      ? numbers.map((number) => {
        const copy = fresh("t");
        this.lines.push(`const ${copy} = ${number};`);
        return copy;
      })
      : numbers;
    for (const [i, part] of place.parts.entries()) {
      this.lines.push(`${part} = ${copies[i]};`);
    }
  }

  #store({ memory }: Value, numbers: readonly string[]): void {
    const { name, at } = memory!;
    if (numbers.length === 1) {
      this.lines.push(`${name}[${at}] = ${numbers[0]};`);
      return;
    }
    const held = fresh("t");
    const copies = numbers.map(() => fresh("t"));
    this.lines.push(
      `const ${held} = ${at};`,
      ...copies.map((copy, i) => `const ${copy} = ${numbers[i]};`),
      ...copies.map((copy, i) => `${name}[${held} + ${i}] = ${copy};`),
    );
  }

  /** A part of a vector that is known only when it runs. */
  #assignPart(
    to: Extract<Statement, { kind: "assign" }>["to"] & { kind: "index" },
    value: Value,
  ): void {
    const { parts } = this.place(to.of);
    const [at, number] = [fresh("t"), fresh("t")];
    this.lines.push(
      `const ${at} = ${this.scalar(to.at)}, ${number} = ${value.parts[0]};`,
      ...parts.map((part, i) => `if (${at} === ${i}) ${part} = ${number};`),
    );
  }

  #loop(
    { first, condition, update, body }: Extract<Statement, { kind: "loop" }>,
  ): void {
    if (first) this.statement(first);
    const [outer, inner] = [fresh("loop"), fresh("round")];
    this.lines.push(`${outer}: for (;;) {`);
    if (condition) {
      this.lines.push(`if (!${this.scalar(condition)}) break;`);
    }
    this.#breaks.push(outer);
    this.#continues.push(inner);
    this.lines.push(`${inner}: {`);
    this.statement(body);
    this.lines.push("}");
    if (update) this.statement(update);
    this.lines.push("}");
    this.#breaks.pop();
    this.#continues.pop();
  }

  #switch({ of, cases }: Extract<Statement, { kind: "switch" }>): void {
    const value = this.scalar(of);
    const label = fresh("choice");
    this.#breaks.push(label);
    this.lines.push(`${label}: switch (${value}) {`);
    for (const { values, body } of cases) {
      const words = values.map((one) => `case ${this.scalar(one)}:`);
      this.lines.push(words.length > 0 ? words.join(" ") : "default:");
      this.statement(body);
      this.lines.push(`break ${label};`);
    }
    this.lines.push("}");
    this.#breaks.pop();
  }
}

/** An array of its own with the contents of an array. */
function copyOf({ type, memory }: Value): string {
  const { name, at } = memory!;
  return `${name}.slice(${at}, ${at} + ${extentOf(type)})`;
}

function isTruth(type: Type): boolean {
  return type.kind !== "struct" && elementOf(type) === "bool";
}

/** The type of a variable whose value is of this one. */
function settled(type: Type): Type {
  if (type.kind !== "scalar" && type.kind !== "vector") return type;
  return vector(concrete(type.of), sizeOf(type));
}

function fittedTo(type: Type, value: Value): readonly string[] {
  if (type.kind === "struct") return value.parts;
  const { parts } = spread(value, sizeOf(type));
  const from = elementOf(value.type);
  return from === "int" || from === "float"
    ? parts.map((part) => converted(part, from, elementOf(type)))
    : parts;
}
