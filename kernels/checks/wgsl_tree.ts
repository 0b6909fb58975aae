/**
 * The tree of a WGSL text, as far as the kernels use the language. Knows no types and no values.
 */

/** A type as it is written: a name with what stands in its angle brackets. */
export interface TypeName {
  readonly name: string;
  readonly of: readonly (TypeName | Expression)[];
}

/** Something that has a value. */
export type Expression =
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "unary"; readonly op: string; readonly of: Expression }
  | {
    readonly kind: "binary";
    readonly op: string;
    readonly left: Expression;
    readonly right: Expression;
  }
  | {
    readonly kind: "call";
    readonly type: TypeName;
    readonly given: readonly Expression[];
  }
  | {
    readonly kind: "index";
    readonly of: Expression;
    readonly at: Expression;
  }
  | { readonly kind: "member"; readonly of: Expression; readonly name: string };

/** A name that is declared: in a function, or outside. */
export interface Declaration {
  readonly kind: "declare";
  readonly how: "let" | "var" | "const" | "override";
  /** What stands in the angle brackets of `var<...>`. */
  readonly space: string;
  readonly name: string;
  readonly type: TypeName | undefined;
  readonly value: Expression | undefined;
}

/** A line of a function. */
export type Statement =
  | Declaration
  | {
    readonly kind: "assign";
    readonly to: Expression;
    /** `=`, or an operator before it. */
    readonly op: string;
    readonly value: Expression;
  }
  | { readonly kind: "call"; readonly of: Expression }
  | {
    readonly kind: "if";
    readonly condition: Expression;
    readonly then: Statement;
    readonly otherwise: Statement | undefined;
  }
  | {
    readonly kind: "loop";
    readonly first: Statement | undefined;
    readonly condition: Expression | undefined;
    readonly update: Statement | undefined;
    readonly body: Statement;
  }
  | {
    readonly kind: "switch";
    readonly of: Expression;
    /** Without values: the default. */
    readonly cases: readonly {
      readonly values: readonly Expression[];
      readonly body: Statement;
    }[];
  }
  | { readonly kind: "return"; readonly value: Expression | undefined }
  | { readonly kind: "break" | "continue" }
  | { readonly kind: "block"; readonly body: readonly Statement[] };

/** A named and typed part of a struct, or a parameter of a function. */
export interface Field {
  readonly name: string;
  readonly type: TypeName;
  /** What `@builtin()` says. */
  readonly builtin: string | undefined;
}

/** A function. */
export interface FunctionTree {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly result: TypeName | undefined;
  readonly body: Statement;
}

/** A whole text. */
export interface WgslTree {
  readonly aliases: ReadonlyMap<string, TypeName>;
  readonly structs: ReadonlyMap<string, readonly Field[]>;
  /** Constants, overrides and variables outside functions, in order. */
  readonly declared: readonly Declaration[];
  readonly functions: ReadonlyMap<string, FunctionTree>;
  /** The numbers of `@workgroup_size`. */
  readonly workgroupSize: readonly Expression[];
}
