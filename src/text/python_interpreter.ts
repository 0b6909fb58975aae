/**
 * The npm Jinja engine's interpreter with Python's manners where a chat template could tell the difference:
 * printing, comparing, attributes of undefined names, scopes and loop controls, string methods.
 */
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import {
  iterate,
  PYTHON_FILTERS,
  PYTHON_TESTS,
  pythonBinary,
} from "./python_operators.ts";
import { loopRecord } from "./python_loop.ts";
import { STR_METHODS } from "./python_strings.ts";
import {
  dictOf,
  isUndefined,
  listOf,
  numberOf,
  strText,
  textOf,
  type Value,
  wrap,
  wrapFunction,
} from "./python_values.ts";

/** A parsed template. */
export type Program = ReturnType<typeof parse>;
type Statement = NonNullable<Parameters<Interpreter["evaluate"]>[0]>;
/** A node of the syntax tree as this file reads it: fields by the engine's names. */
type Node = Statement & Readonly<Record<string, unknown>>;

/** `{% break %}` or `{% continue %}` on its way to the loop, with the text written before it. */
class LoopExit extends Error {
  constructor(readonly kind: "Break" | "Continue", public text = "") {
    super(`${kind.toLowerCase()} outside of a loop`);
  }
}

/** Nodes that print nothing, or whose text is already final. */
const SILENT = new Set(["Set", "Macro", "Comment"]);
const FINAL = new Set([
  ...["Program", "If", "For", "StringLiteral", "CallStatement"],
  ...["FilterStatement", "Break", "Continue"],
]);
/** Nodes whose body the engine would print itself: the body becomes one Program, which we print. */
const BODIES = new Set(["Set", "Macro", "CallStatement", "FilterStatement"]);

function wrapBodies(node: unknown, program: Program): void {
  if (typeof node !== "object" || node === null) return;
  const children = node instanceof Map
    ? [...node.entries()].flat()
    : Object.values(node);
  children.forEach((child) => wrapBodies(child, program));
  const { type, body } = node as { type?: string; body?: unknown };
  if (BODIES.has(type ?? "") && Array.isArray(body) && body.length > 0) {
    Object.assign(node, {
      body: [Object.assign(Object.create(program), { body })],
    });
  }
}

/**
 * Parses a template (trim_blocks, lstrip_blocks).
 *
 * @throws {SyntaxError} naming a statement, test or operator that the engine does not have.
 */
export function parseTemplate(source: string): Program {
  const tokens = tokenize(source, { trim_blocks: true, lstrip_blocks: true });
  const program = parse(tokens);
  wrapBodies(program, program);
  return program;
}

/** The same node with one child replaced by a value that is already known. */
function holding(node: Node, children: Readonly<Record<string, Value>>): Node {
  const held = Object.entries(children).map(([key, value]) =>
    [key, { type: "Held", value }] as const
  );
  const copy = Object.create(Object.getPrototypeOf(node));
  return Object.assign(copy, node, Object.fromEntries(held));
}

/** `messages[0].tool_calls`, to name what was not found. */
function pathOf(node: Node): string {
  if (node.type === "MemberExpression") {
    const name = pathOf(node.property as Node);
    return pathOf(node.object as Node) +
      (node.computed ? `[${name}]` : `.${name}`);
  }
  if (node.type === "StringLiteral") return `'${node.value}'`;
  return /^(Identifier|IntegerLiteral)$/.test(node.type)
    ? String(node.value)
    : "(...)";
}

/** Runs a template's syntax tree; `evaluate` is the engine's one door, so the corners are turned there. */
export class PythonInterpreter extends Interpreter {
  override evaluate(
    statement: Statement | undefined,
    scope: Environment,
  ): Value {
    const node = statement as Node | undefined;
    switch (node?.type) {
      case "Held":
        return node.value as Value;
      case "Program":
        return wrap(this.#block(node.body as Node[], scope));
      case "If": {
        const test = this.evaluate(node.test as Node, scope).__bool__().value;
        return wrap(
          this.#block((test ? node.body : node.alternate) as Node[], scope),
        );
      }
      case "For":
        return wrap(this.#loop(node, scope));
      case "Break":
      case "Continue":
        throw new LoopExit(node.type);
      case "MemberExpression":
        return this.#member(node, scope);
      case "CallExpression":
        return this.#call(node, scope);
      case "BinaryExpression":
        return this.#binary(node, scope);
      case "FilterExpression":
        return this.#filter(node, scope);
      case "TestExpression":
        return this.#test(node, scope);
    }
    return super.evaluate(statement, scope);
  }

  #block(statements: readonly Node[], scope: Environment): string {
    let text = "";
    for (const statement of statements) {
      try {
        const value = this.evaluate(statement, scope);
        if (SILENT.has(statement.type)) continue;
        text += FINAL.has(statement.type) ? value.value : strText(value);
      } catch (error) {
        if (error instanceof LoopExit) error.text = text + error.text;
        throw error;
      }
    }
    return text;
  }

  #bind(target: Node, item: Value, scope: Environment): void {
    if (target.type === "Identifier") {
      scope.setVariable(String(target.value), item);
      return;
    }
    const names = target.value as Node[];
    const parts = iterate(item);
    if (parts.length !== names.length) {
      throw new TypeError(
        `Cannot unpack a loop's item: found ${parts.length} values, expected ${names.length}`,
      );
    }
    names.forEach((name, i) => this.#bind(name, parts[i] as Value, scope));
  }

  #selected(node: Node, scope: Environment): Value[] {
    const iterable = node.iterable as Node;
    if (iterable.type !== "SelectExpression") {
      return [...iterate(this.evaluate(iterable, scope))];
    }
    const all = iterate(this.evaluate(iterable.lhs as Node, scope));
    return all.filter((item) => {
      const inner = new Environment(scope);
      this.#bind(node.loopvar as Node, item, inner);
      return this.evaluate(iterable.test as Node, inner).__bool__().value;
    });
  }

  #loop(node: Node, scope: Environment): string {
    const items = this.#selected(node, scope);
    if (items.length === 0) {
      return this.#block(node.defaultBlock as Node[], scope);
    }
    let text = "";
    for (const [i, item] of items.entries()) {
      const inner = new Environment(scope); // every round has a scope of its own
      inner.setVariable("loop", loopRecord(items, i));
      this.#bind(node.loopvar as Node, item, inner);
      try {
        text += this.#block(node.body as Node[], inner);
      } catch (error) {
        if (!(error instanceof LoopExit)) throw error;
        text += error.text;
        if (error.kind === "Break") break;
      }
    }
    return text;
  }

  #member(node: Node, scope: Environment): Value {
    const object = this.evaluate(node.object as Node, scope);
    const property = node.property as Node;
    if (isUndefined(object)) {
      throw new TypeError(`'${pathOf(node.object as Node)}' is undefined`);
    }
    const held = holding(node, { object });
    if (property.type === "SliceExpression") return super.evaluate(held, scope);
    const text = textOf(object);
    if (!node.computed) {
      const name = String(property.value);
      const method = text === undefined ? undefined : STR_METHODS[name];
      if (method !== undefined && text !== undefined) {
        return wrapFunction((args) => wrap(method(text, args)));
      }
      if (dictOf(object) !== undefined && object.type === "ObjectValue") {
        // Python looks for the method first: `d.items` is the method even where d has such a key.
        return object.builtins.get(name) ?? super.evaluate(held, scope);
      }
      const counted = name === "length" &&
        (text !== undefined || listOf(object) !== undefined);
      return counted ? wrap(undefined) : super.evaluate(held, scope);
    }
    const key = this.evaluate(property, scope);
    const index = numberOf(key);
    if (index !== undefined && text !== undefined) {
      return wrap([...text].at(index));
    }
    if (index !== undefined && listOf(object) === undefined) {
      return wrap(undefined);
    }
    return super.evaluate(holding(node, { object, property: key }), scope);
  }

  #call(node: Node, scope: Environment): Value {
    const callee = this.evaluate(node.callee as Node, scope);
    if (callee.type !== "FunctionValue") {
      throw new TypeError(
        `"${
          pathOf(node.callee as Node)
        }" is not a function that the template engine has`,
      );
    }
    return super.evaluate(holding(node, { callee }), scope);
  }

  #binary(node: Node, scope: Environment): Value {
    const operator = (node.operator as { value: string }).value;
    const left = this.evaluate(node.left as Node, scope);
    if (operator === "and" || operator === "or") {
      return left.__bool__().value === (operator === "or")
        ? left
        : this.evaluate(node.right as Node, scope);
    }
    const right = this.evaluate(node.right as Node, scope);
    const result = pythonBinary(operator, left, right);
    if (result !== undefined) return result;
    const missing = isUndefined(left)
      ? node.left
      : isUndefined(right)
      ? node.right
      : undefined;
    if (missing !== undefined) {
      throw new TypeError(`'${pathOf(missing as Node)}' is undefined`);
    }
    return super.evaluate(holding(node, { left, right }), scope);
  }

  #filter(node: Node, scope: Environment): Value {
    const operand = this.evaluate(node.operand as Node, scope);
    const filter = node.filter as Node;
    const args = (filter.args ?? []) as Node[];
    const name = String(
      (filter.callee as Node | undefined)?.value ?? filter.value,
    );
    const own = PYTHON_FILTERS[name];
    const named = args.some((arg) => arg.type === "KeywordArgumentExpression");
    const result = own && (!named || name === "tojson")
      ? own(operand, named ? [] : args.map((arg) => this.evaluate(arg, scope)))
      : undefined;
    return result ?? super.evaluate(holding(node, { operand }), scope);
  }

  #test(node: Node, scope: Environment): Value {
    const own = PYTHON_TESTS[String((node.test as Node).value)];
    if (own === undefined) return super.evaluate(node, scope);
    const answer = own(this.evaluate(node.operand as Node, scope));
    return wrap(answer !== Boolean(node.negate));
  }
}
