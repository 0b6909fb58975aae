/**
 * Parses a template into the npm engine's syntax tree and makes small nodes of it. Runs no
 * template.
 */
import { type Interpreter, parse } from "@huggingface/jinja";
import { isTooDeep, TOO_DEEP } from "../../base/too_deep.ts";
import { templateTokens } from "./tokens.ts";
import type { Value } from "./values.ts";

/** A parsed template. */
export type Program = ReturnType<typeof parse>;
export type Statement = NonNullable<Parameters<Interpreter["evaluate"]>[0]>;
/** A node of the syntax tree, with its fields by the engine's names. */
export type Node = Statement & Readonly<Record<string, unknown>>;

/**
 * Nodes whose body the engine would print itself. Their body is made one Program, so that our
 * interpreter prints it.
 */
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

/** The place of the token that closes the tag at `open`; behind all tokens if there is none. */
function closeAfter(
  tokens: ReturnType<typeof templateTokens>,
  open: number,
): number {
  let at = open + 1;
  while (at < tokens.length && !/^Close(Ex|St)/.test(tokens[at]!.type)) at++;
  return at;
}

/** The first expression that the engine cannot parse, for the error message. */
function unreadable(tokens: ReturnType<typeof templateTokens>) {
  for (let i = 0; i < tokens.length; i++) {
    const { type } = tokens[i]!;
    if (type !== "OpenExpression" && type !== "OpenStatement") continue;
    const end = closeAfter(tokens, i);
    if (end === tokens.length) return undefined; // the last tag is not closed
    const all = tokens.slice(i + 1, end);
    const own = type === "OpenExpression" ? all : expressionOf(all);
    const [open, close] = [tokens[i]!, tokens[end]!];
    const alone = own && [
      { ...open, type: "OpenExpression" as const },
      ...own,
      { ...close, type: "CloseExpression" as const },
    ];
    try {
      if (alone) parse(alone);
    } catch {
      return all.map(({ value }) => value).join(" ");
    }
    i = end;
  }
  return undefined;
}

/** The expression after `if`, `elif`, `set a =` and `for a in`; undefined for other statements. */
function expressionOf<
  T extends { readonly type: string; readonly value: string },
>(
  statement: readonly T[],
): readonly T[] | undefined {
  const [word] = statement;
  if (word?.value === "if" || word?.value === "elif") return statement.slice(1);
  const begins = word?.value === "set"
    ? (one: T) => one.type === "Equals"
    : (one: T) => word?.value === "for" && one.value === "in";
  const at = statement.findIndex(begins);
  return at < 0 ? undefined : statement.slice(at + 1);
}

/**
 * Parses a template, with `trim_blocks` and `lstrip_blocks` as in transformers.
 *
 * @throws {SyntaxError} naming a statement, test or operator that the engine does not have.
 */
export function parseTemplate(source: string): Program {
  const tokens = templateTokens(source);
  try {
    const program = parse(tokens);
    wrapBodies(program, program);
    return program;
  } catch (error) {
    if (isTooDeep(error)) throw new SyntaxError(TOO_DEEP);
    const place = unreadable(tokens);
    const fault = error instanceof TypeError // the parser read past the end
      ? "a block is not closed"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new SyntaxError(
      place === undefined ? fault : `${fault} (at "${place}")`,
    );
  }
}

/** The same node with one child replaced by an already computed value. */
export function holding(
  node: Node,
  children: Readonly<Record<string, Value>>,
): Node {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(node)), node);
  for (const [key, value] of Object.entries(children)) {
    copy[key] = { type: "Held", value };
  }
  return copy;
}

/** The path of a node, such as `messages[0].tool_calls`, for error messages. */
export function pathOf(node: Node): string {
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

/** The node of `value | name(args)` over already computed values. */
export function filterNode(
  name: string,
  operand: Value,
  args: readonly Value[],
): Statement {
  const held = (value: Value) => ({ type: "Held", value });
  const callee = { type: "Identifier", value: name };
  const filter = args.length === 0
    ? callee
    : { type: "CallExpression", callee, args: args.map(held) };
  return { type: "FilterExpression", operand: held(operand), filter } as Node;
}

/**
 * @throws {TypeError} for `x | safe + y`: in Python `x | safe` is Markup, which escapes the text
 *   that is added to it
 */
export function refuseEscaping({ left, right }: Node): void {
  const isSafe = (side: unknown) =>
    (side as Node).type === "FilterExpression" &&
    ((side as Node).filter as Node).value === "safe";
  if (!isSafe(left) && !isSafe(right)) return;
  throw new TypeError(
    'Cannot add text to "... | safe": Python escapes it, join by "~" instead',
  );
}
