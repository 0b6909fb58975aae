/** Reads a WGSL text into its tree. */
import type {
  Declaration,
  Expression,
  Field,
  FunctionTree,
  Statement,
  TypeName,
  WgslTree,
} from "./wgsl_tree.ts";

const TOKEN =
  /\s+|\/\/[^\n]*|([A-Za-z_]\w*|0[xX][0-9a-fA-F]+[iu]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]?|<<=|>>=|&&|\|\||<<|>>|<=|>=|==|!=|->|\+\+|--|[-+*/%&|^]=|[-+*/%&|^~!<>=(){}[\],;:.@])/y;

/** How tightly an operator binds. */
const BINDS: Readonly<Record<string, number>> = {
  "||": 1,
  "&&": 2,
  "|": 3,
  "^": 4,
  "&": 5,
  "==": 6,
  "!=": 6,
  "<": 7,
  ">": 7,
  "<=": 7,
  ">=": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "%": 10,
};
const TEMPLATES = /^(vec[234]|array|bitcast|ptr|atomic|texture_\w+)$/;

/**
 * The tree of a text.
 *
 * @throws {SyntaxError} if the text uses what no kernel has used so far
 */
export function parseWgsl(text: string): WgslTree {
  return new Parser(tokensOf(text)).module();
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) {
      throw new SyntaxError(
        `Cannot read WGSL: found ${JSON.stringify(text.slice(at, at + 20))}`,
      );
    }
    if (match[1] !== undefined) tokens.push(match[1]);
  }
  return tokens;
}

class Parser {
  #at = 0;
  readonly #tokens: string[];

  constructor(tokens: string[]) {
    this.#tokens = tokens;
  }

  module(): WgslTree {
    const aliases = new Map<string, TypeName>();
    const structs = new Map<string, readonly Field[]>();
    const declared: Declaration[] = [];
    const functions = new Map<string, FunctionTree>();
    let workgroupSize: readonly Expression[] = [];
    while (this.#at < this.#tokens.length) {
      if (this.#take(";")) continue;
      if (this.#take("enable")) {
        this.#next();
      } else if (this.#take("alias")) {
        const name = this.#next();
        this.#expect("=");
        aliases.set(name, this.#type());
      } else if (this.#take("struct")) {
        structs.set(this.#next(), this.#fields("{", "}"));
      } else if (this.#take("@")) {
        const [name, given] = this.#attribute();
        if (name === "workgroup_size") workgroupSize = given;
      } else if (this.#take("fn")) {
        const made = this.#function();
        functions.set(made.name, made);
      } else declared.push(this.#declaration());
    }
    return { aliases, structs, declared, functions, workgroupSize };
  }

  #next(): string {
    return this.#tokens[this.#at++] ?? "";
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (this.#take(token)) return;
    const around = this.#tokens.slice(this.#at - 6, this.#at + 3).join(" ");
    throw new SyntaxError(
      `Cannot read WGSL: found "${around}", expected "${token}"`,
    );
  }

  /** After its `@`. */
  #attribute(): [name: string, given: readonly Expression[]] {
    const name = this.#next();
    return [name, this.#take("(") ? this.#list(")") : []];
  }

  #list(end: string): Expression[] {
    const list: Expression[] = [];
    while (!this.#take(end)) {
      list.push(this.#expression());
      this.#take(",");
    }
    return list;
  }

  #fields(begin: string, end: string): Field[] {
    this.#expect(begin);
    const fields: Field[] = [];
    while (!this.#take(end)) {
      let builtin: string | undefined;
      while (this.#take("@")) {
        const [, given] = this.#attribute();
        if (given[0]?.kind === "name") builtin = given[0].name;
      }
      const name = this.#next();
      this.#expect(":");
      fields.push({ name, type: this.#type(), builtin });
      this.#take(",");
    }
    return fields;
  }

  #type(): TypeName {
    const name = this.#next();
    return { name, of: this.#template() };
  }

  #template(): (TypeName | Expression)[] {
    const of: (TypeName | Expression)[] = [];
    if (!this.#take("<")) return of;
    for (;;) {
      const isNumber = /^\d/.test(this.#tokens[this.#at] ?? "");
      of.push(isNumber ? this.#binary(9) : this.#type());
      if (this.#take(",")) continue;
      if (this.#take(">")) return of;
      // two ends in one token
      this.#expect(">>");
      this.#tokens[--this.#at] = ">";
      return of;
    }
  }

  #function(): FunctionTree {
    const name = this.#next();
    const fields = this.#fields("(", ")");
    const result = this.#take("->") ? this.#type() : undefined;
    return { name, fields, result, body: this.#block() };
  }

  #declaration(): Declaration {
    const how = this.#next();
    if (
      how !== "let" && how !== "var" && how !== "const" && how !== "override"
    ) {
      this.#at--;
      this.#expect("declaration");
    }
    let space = "";
    if (this.#take("<")) {
      while (!this.#take(">")) space += this.#next();
    }
    const name = this.#next();
    const type = this.#take(":") ? this.#type() : undefined;
    const value = this.#take("=") ? this.#expression() : undefined;
    return {
      kind: "declare",
      how: how as Declaration["how"],
      space,
      name,
      type,
      value,
    };
  }

  #block(): Statement {
    this.#expect("{");
    const body: Statement[] = [];
    while (!this.#take("}")) {
      if (!this.#take(";")) body.push(this.#statement());
    }
    return { kind: "block", body };
  }

  #statement(): Statement {
    const token = this.#tokens[this.#at];
    switch (token) {
      case "{":
        return this.#block();
      case "if":
        return this.#if();
      case "for":
        return this.#for();
      case "while": {
        this.#at++;
        const condition = this.#expression();
        const body = this.#block();
        return {
          kind: "loop",
          first: undefined,
          update: undefined,
          condition,
          body,
        };
      }
      case "switch":
        return this.#switch();
      case "return": {
        this.#at++;
        const ends = this.#tokens[this.#at] === ";";
        return { kind: "return", value: ends ? undefined : this.#expression() };
      }
      case "break":
      case "continue":
        this.#at++;
        return { kind: token };
      default:
        return this.#simple();
    }
  }

  /** What may stand in the head of a `for`, too. */
  #simple(): Statement {
    const token = this.#tokens[this.#at] ?? "";
    if (/^(let|var|const)$/.test(token)) return this.#declaration();
    const to = this.#unary();
    const op = this.#next();
    if (op === "++" || op === "--") {
      const value = { kind: "number", text: "1" } as const;
      return { kind: "assign", to, op: op.slice(0, 1), value };
    }
    if (op.endsWith("=")) {
      const value = this.#expression();
      return { kind: "assign", to, op: op.slice(0, -1), value };
    }
    this.#at--;
    return { kind: "call", of: to };
  }

  #if(): Statement {
    this.#at++;
    const condition = this.#expression();
    const then = this.#block();
    let otherwise: Statement | undefined;
    if (this.#take("else")) {
      otherwise = this.#tokens[this.#at] === "if" ? this.#if() : this.#block();
    }
    return { kind: "if", condition, then, otherwise };
  }

  #for(): Statement {
    this.#at++;
    this.#expect("(");
    const part = (end: string) => {
      if (this.#take(end)) return undefined;
      const made = this.#simple();
      this.#expect(end);
      return made;
    };
    const first = part(";");
    const condition = this.#tokens[this.#at] === ";"
      ? undefined
      : this.#expression();
    this.#expect(";");
    const update = part(")");
    return { kind: "loop", first, condition, update, body: this.#block() };
  }

  #switch(): Statement {
    this.#at++;
    const of = this.#expression();
    this.#expect("{");
    const cases: { values: Expression[]; body: Statement }[] = [];
    while (!this.#take("}")) {
      const values: Expression[] = [];
      if (!this.#take("default")) {
        this.#expect("case");
        do {
          if (/^[:{]$/.test(this.#tokens[this.#at] ?? "")) break;
          if (!this.#take("default")) values.push(this.#expression());
        } while (this.#take(","));
      }
      this.#take(":");
      cases.push({ values, body: this.#block() });
    }
    return { kind: "switch", of, cases };
  }

  #expression(): Expression {
    return this.#binary(1);
  }

  #binary(least: number): Expression {
    let left = this.#unary();
    for (;;) {
      const op = this.#tokens[this.#at] ?? "";
      const binds = BINDS[op] ?? 0;
      if (binds < least) return left;
      this.#at++;
      const right = this.#binary(binds + 1);
      left = { kind: "binary", op, left, right };
    }
  }

  #unary(): Expression {
    const op = this.#tokens[this.#at] ?? "";
    if (/^[-!~*&]$/.test(op)) {
      this.#at++;
      return { kind: "unary", op, of: this.#unary() };
    }
    return this.#places(this.#primary());
  }

  #places(of: Expression): Expression {
    for (;;) {
      if (this.#take("[")) {
        const at = this.#expression();
        this.#expect("]");
        of = { kind: "index", of, at };
      } else if (this.#take(".")) {
        of = { kind: "member", of, name: this.#next() };
      } else return of;
    }
  }

  #primary(): Expression {
    if (this.#take("(")) {
      const inner = this.#expression();
      this.#expect(")");
      return inner;
    }
    const name = this.#next();
    if (/^[.\d]/.test(name)) return { kind: "number", text: name };
    if (!/^\w+$/.test(name)) {
      this.#at--;
      this.#expect("expression");
    }
    const of = TEMPLATES.test(name) ? this.#template() : [];
    if (this.#take("(")) {
      return { kind: "call", type: { name, of }, given: this.#list(")") };
    }
    return { kind: "name", name };
  }
}
