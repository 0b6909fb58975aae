/**
 * The npm Jinja engine's interpreter, changed to behave as Python does wherever a chat template
 * could tell the difference: printing, comparing, attributes of undefined names, scopes, loop
 * controls and string methods.
 */
import { Environment, Interpreter } from "@huggingface/jinja";
import { checkText, enter, leave, makeText, spend } from "./budget.ts";
import { applyFilter, PYTHON_FILTERS } from "./filters.ts";
import type { FilterArguments } from "./filter.ts";
import { methodOf } from "./methods.ts";
import {
  filterNode,
  holding,
  type Node,
  pathOf,
  refuseEscaping,
  type Statement,
} from "./nodes.ts";
import { loopRecords } from "./loop.ts";
import { iterate, pythonBinary } from "./operators.ts";
import { passes } from "./tests.ts";
import { NOT_TEST, TEST } from "./tokens.ts";
import {
  dictOf,
  isUndefined,
  listOf,
  numberOf,
  sizeOf,
  strText,
  textOf,
  type Value,
  wrap,
  wrapFunction,
  wrapTuple,
} from "./values.ts";

/**
 * Thrown by `{% break %}` and `{% continue %}` and caught by the loop; it holds the text written
 * before it.
 */
class LoopExit extends Error {
  constructor(readonly kind: "Break" | "Continue", public text = "") {
    super(`${kind.toLowerCase()} outside of a loop`);
  }
}

/** Nodes that print nothing. */
const SILENT = new Set(["Set", "Macro", "Comment"]);
/** Nodes whose value is already the text to print. */
const FINAL = new Set([
  "Program",
  "If",
  "For",
  "StringLiteral",
  "CallStatement",
  "FilterStatement",
  "Break",
  "Continue",
]);
/** A pass of a loop makes a scope and a loop variable, which take the time of some nodes. */
const STEPS_OF_A_PASS = 8;

type MacroCall = (args: Value[], scope: Environment) => Value;
const NOWHERE = new Environment();

/**
 * Runs a template's syntax tree. The engine evaluates every node through `evaluate`, so all
 * differences from the engine are handled there.
 */
export class PythonInterpreter extends Interpreter {
  override evaluate(
    statement: Statement | undefined,
    scope: Environment,
  ): Value {
    const node = statement as Node | undefined;
    if (node?.type === "Held") return node.value as Value;
    spend(1);
    enter();
    try {
      return this.#evaluate(node, scope);
    } finally {
      leave();
    }
  }

  #evaluate(node: Node | undefined, scope: Environment): Value {
    switch (node?.type) {
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
      case "Identifier": {
        const value = super.evaluate(node, scope);
        return node.value === "varargs" && listOf(value) !== undefined
          ? wrapTuple(iterate(value))
          : value;
      }
      case "Macro":
        return this.#macro(node, scope);
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
      case "FilterStatement": {
        const value = wrap(this.#block(node.body as Node[], scope));
        const operand = { type: "Held", value };
        const { filter } = node;
        return this.#filter(
          { type: "FilterExpression", operand, filter } as Node,
          scope,
        );
      }
    }
    return super.evaluate(node, scope);
  }

  #block(statements: readonly Node[], scope: Environment): string {
    let text = "";
    for (const statement of statements) {
      try {
        const value = this.evaluate(statement, scope);
        if (SILENT.has(statement.type)) continue;
        const piece = FINAL.has(statement.type)
          ? String(value.value)
          : strText(value);
        makeText(piece.length);
        text += piece;
        checkText(text.length);
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
    const loopAt = loopRecords(items);
    for (const [i, item] of items.entries()) {
      spend(STEPS_OF_A_PASS);
      const inner = new Environment(scope); // each iteration has its own scope
      inner.setVariable("loop", loopAt(i));
      this.#bind(node.loopvar as Node, item, inner);
      try {
        text += this.#block(node.body as Node[], inner);
        checkText(text.length);
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
    if (object.type === "FunctionValue") {
      throw new TypeError(
        `Cannot read "${pathOf(node)}": attributes of functions are not served`,
      );
    }
    const held = () => holding(node, { object });
    if (property.type === "SliceExpression") {
      spend(sizeOf(object));
      const part = super.evaluate(held(), scope);
      return object.type === "TupleValue" ? wrapTuple(iterate(part)) : part;
    }
    const text = textOf(object);
    const list = listOf(object);
    // Jinja reads `x.0` as `x[0]`
    const computed = node.computed || property.type === "IntegerLiteral";
    if (!computed) {
      const name = String(property.value);
      const method = methodOf(object, name);
      if (method !== undefined) return method;
      const counted = name === "length" &&
        (text !== undefined || listOf(object) !== undefined);
      if (counted) return wrap(undefined);
      return object.type === "ObjectValue"
        ? dictOf(object)?.get(name) ?? wrap(undefined)
        : super.evaluate(held(), scope);
    }
    const key = this.evaluate(property, scope);
    const name = textOf(key);
    if (name === undefined) {
      const index = key.type === "FloatValue" ? undefined : numberOf(key);
      if (index === undefined) return wrap(undefined);
      if (text === undefined) return list?.at(index) ?? wrap(undefined);
      spend(text.length);
      return wrap([...text].at(index));
    }
    const known = dictOf(object)?.get(name);
    if (known !== undefined) return known;
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
    if (operator === "+") refuseEscaping(node);
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

  #arguments(nodes: readonly Node[], scope: Environment): FilterArguments {
    const args: Value[] = [];
    const named = new Map<string, Value>();
    for (const node of nodes) {
      if (node.type !== "KeywordArgumentExpression") {
        args.push(this.evaluate(node, scope));
        continue;
      }
      const value = this.evaluate(node.value as Node, scope);
      named.set(String((node.key as Node).value), value);
    }
    return { args, named };
  }

  #filter(node: Node, scope: Environment): Value {
    const operand = this.evaluate(node.operand as Node, scope);
    const filter = node.filter as Node;
    const nodes = (filter.args ?? []) as Node[];
    const name = String(
      (filter.callee as Node | undefined)?.value ?? filter.value,
    );
    if (name.startsWith(TEST) || name.startsWith(NOT_TEST)) {
      const isNegated = name.startsWith(NOT_TEST);
      const test = name.slice((isNegated ? NOT_TEST : TEST).length);
      const { args } = this.#arguments(nodes, scope);
      return wrap(passes(test, operand, args) !== isNegated);
    }
    const given = Object.hasOwn(PYTHON_FILTERS, name)
      ? this.#arguments(nodes, scope)
      : undefined;
    const result = given && applyFilter(
      name,
      operand,
      given,
      (other, value, args) =>
        super.evaluate(filterNode(other, value, args), NOWHERE),
    );
    return result ?? super.evaluate(holding(node, { operand }), scope);
  }

  #test(node: Node, scope: Environment): Value {
    const operand = this.evaluate(node.operand as Node, scope);
    const answer = passes(String((node.test as Node).value), operand, []);
    return wrap(answer !== Boolean(node.negate));
  }

  /** A macro sees the names of the scope that defines it, not those of the scope that calls it. */
  #macro(node: Node, scope: Environment): Value {
    const nothing = super.evaluate(node, scope);
    const name = String((node.name as Node).value);
    const { value: call } = scope.lookupVariable(name);
    scope.setVariable(
      name,
      wrapFunction((args, from) => {
        const macroScope = new Environment(scope);
        const caller = from?.variables.get("caller");
        if (caller !== undefined) macroScope.setVariable("caller", caller);
        return (call as MacroCall)(args, macroScope);
      }),
    );
    return nothing;
  }
}
