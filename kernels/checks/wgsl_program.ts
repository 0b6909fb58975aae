/**
 * Runs a kernel's text on the CPU, in float64: the text as JavaScript, one invocation after the
 * other, from barrier to barrier. Knows no device.
 */
import { parseWgsl } from "./parse_wgsl.ts";
import { type Callable, type Names, type Outside } from "./write_expression.ts";
import { ExpressionWriter, fresh } from "./write_expression.ts";
import { writeFunction } from "./write_function.ts";
import type {
  Declaration,
  Expression,
  FunctionTree,
  TypeName,
  WgslTree,
} from "./wgsl_tree.ts";
import {
  concrete,
  elementOf,
  extentOf,
  type Scalar,
  scalar,
  sizeOf,
  type Type,
  vector,
} from "./wgsl_types.ts";
import { converted, valueOf } from "./wgsl_values.ts";

/** Texels in a row of the textures that a program reads and writes. */
export const TEXTURE_WIDTH = 512;

/** Contents of what a kernel binds. */
export type Memory = Float32Array | Uint32Array | Int32Array;

/** A kernel that runs on the CPU. */
export interface Program {
  /** What each binding holds. */
  readonly elements: Readonly<Record<string, "f32" | "u32" | "i32">>;
  /** Whether whole workgroups run: invocations wait for each other. */
  readonly workgroupSize: readonly number[];
  /** Runs all workgroups of a grid and changes the contents of what is bound. */
  run(
    memory: Readonly<Record<string, Memory>>,
    params: Readonly<Record<string, number>>,
    grid: readonly number[],
  ): void;
}

/** What the JavaScript text gives. */
interface Module {
  readonly size: readonly number[];
  readonly clear: () => void;
  readonly turn: (lane: number) => void;
  readonly main: (...words: number[]) => Iterator<undefined> | undefined;
}

const WAITS = /^(workgroupBarrier|storageBarrier)$/;
const BUILTINS: Readonly<Record<string, readonly string[]>> = {
  workgroup_id: ["gx", "gy", "gz"],
  num_workgroups: ["nx", "ny", "nz"],
  local_invocation_id: ["lx", "ly", "lz"],
  local_invocation_index: ["li"],
  global_invocation_id: ["ix", "iy", "iz"],
};
const WORDS = Object.values(BUILTINS).flat();

const bits = new Uint32Array(1);
const floats = new Float32Array(bits.buffer);

function toBits(x: number): number {
  floats[0] = x;
  return bits[0]!;
}

function fromBits(x: number): number {
  bits[0] = x;
  return floats[0]!;
}

function fromHalf(half: number): number {
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  const sign = half & 32768 ? -1 : 1;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/**
 * Makes a program of a text.
 *
 * @param constants values of its `override` lines
 * @throws {SyntaxError} or a TypeError if the text uses what no kernel has used so far
 */
export function createProgram(
  text: string,
  constants: Readonly<Record<string, number>> = {},
): Program {
  const tree = parseWgsl(text);
  const elements: Record<string, "f32" | "u32" | "i32"> = {};
  const js = writeModule(tree, constants, elements);
  const make = new Function("memory", "params", "tools", js) as (
    memory: Readonly<Record<string, Memory>>,
    params: Readonly<Record<string, number>>,
    tools: unknown,
  ) => Module;
  const tools = { toBits, fromBits, fromHalf, WIDTH: TEXTURE_WIDTH };
  return {
    elements,
    workgroupSize: make({}, {}, tools).size,
    run(memory, params, grid) {
      runGrid(make(memory, params, tools), grid);
    },
  };
}

function runGrid(module: Module, [nx = 1, ny = 1, nz = 1]: readonly number[]) {
  const [sx = 1, sy = 1, sz = 1] = module.size;
  const lanes = sx * sy * sz;
  for (let group = 0; group < nx * ny * nz; group++) {
    module.clear();
    const place = [group % nx, Math.floor(group / nx) % ny];
    const words = [...place, Math.floor(group / nx / ny), nx, ny, nz];
    let running: [lane: number, run: Iterator<undefined>][] = [];
    for (let lane = 0; lane < lanes; lane++) {
      module.turn(lane);
      const local = [lane % sx, Math.floor(lane / sx) % sy];
      const deep = Math.floor(lane / sx / sy);
      const all = [...local, deep];
      const global = [sx, sy, sz].map((size, i) => words[i]! * size + all[i]!);
      const run = module.main(...words, ...all, lane, ...global);
      if (run) running.push([lane, run]);
    }
    while (running.length > 0) {
      running = running.filter(([lane, run]) => {
        module.turn(lane);
        return !run.next().done;
      });
    }
  }
}

function writeModule(
  tree: WgslTree,
  constants: Readonly<Record<string, number>>,
  elements: Record<string, "f32" | "u32" | "i32">,
): string {
  const lines = [
    '"use strict";',
    "const { WIDTH, toBits, fromBits, fromHalf } = tools;",
  ];
  const names: Names = new Map();
  const outside = outsideOf(tree, names);
  const cleared: string[] = [];
  const lanes = () => `(${sizeWords(tree, outside, names).join(" * ")})`;
  for (const one of tree.declared) {
    if (one.how === "const" || one.how === "override") {
      lines.push(...declareConstant(one, constants, outside, names));
    } else {
      const made = declareMemory(one, { outside, elements, lanes });
      lines.push(...made.lines);
      cleared.push(...made.cleared);
      names.set(one.name, made.value);
    }
  }
  for (const made of tree.functions.values()) {
    const callable = outside.functions.get(made.name)!;
    const all = made.name === "main" ? mainTree(made) : made;
    lines.push(writeFunction(all, callable, outside, names));
  }
  const words = tree.functions.get("main")!.fields.flatMap(({ builtin }) =>
    BUILTINS[builtin ?? ""] ?? []
  );
  lines.push(
    "let LANE = 0;",
    `return { size: [${sizeWords(tree, outside, names).join(", ")}],`,
    `clear: () => { ${cleared.map((name) => `${name}.fill(0);`).join(" ")} },`,
    "turn: (lane) => { LANE = lane; },",
    `main: (${WORDS.join(", ")}) => ${outside.functions.get("main")!.name}(${
      words.join(", ")
    }) };`,
  );
  return lines.join("\n");
}

/** The parameters of main are vectors of three, but for the index. */
function mainTree(made: FunctionTree): FunctionTree {
  for (const { builtin } of made.fields) {
    if (builtin !== undefined && BUILTINS[builtin]) continue;
    throw new TypeError(`Cannot run WGSL: "${builtin}" is not known`);
  }
  return made;
}

function outsideOf(tree: WgslTree, names: Names): Outside {
  const functions = new Map<string, Callable>();
  const typeOf = typeReader(tree, (of) => {
    const writer = new ExpressionWriter({ typeOf, functions }, names);
    return writer.scalar(of);
  });
  const calls = new Map(
    [...tree.functions].map(([name, { body }]) => [name, calledIn(body)]),
  );
  const waits = (name: string): boolean =>
    [...calls.get(name) ?? []].some((one) => WAITS.test(one) || waits(one));
  for (const [name, { result }] of tree.functions) {
    functions.set(name, {
      name: fresh(name),
      result: result && typeOf(result),
      waits: waits(name),
    });
  }
  return { typeOf, functions };
}

/** Names of all functions that are called somewhere in a tree. */
function calledIn(node: unknown, found = new Set<string>()): Set<string> {
  if (typeof node !== "object" || node === null) return found;
  if ("kind" in node && node.kind === "call" && "type" in node) {
    found.add((node.type as TypeName).name);
  }
  for (const part of Object.values(node)) calledIn(part, found);
  return found;
}

function typeReader(
  { aliases, structs }: WgslTree,
  scalarOf: (of: Expression) => string,
): (name: TypeName) => Type {
  const read = ({ name, of }: TypeName): Type => {
    const alias = aliases.get(name);
    if (alias) return read(alias);
    if (/^(f32|u32|i32|bool)$/.test(name)) {
      return scalar(name as "f32" | "u32" | "i32" | "bool");
    }
    const [, count, letter] = /^vec([234])([fui]?)$/.exec(name) ?? [];
    if (count !== undefined) {
      const inner = letter === "" ? read(of[0] as TypeName) : undefined;
      const element = inner
        ? elementOf(inner)
        : letter === "f"
        ? "f32"
        : letter === "u"
        ? "u32"
        : "i32";
      return vector(element, Number(count));
    }
    if (name === "atomic") return read(of[0] as TypeName);
    if (name === "array") {
      const length = of[1] === undefined
        ? "0"
        : "kind" in of[1]
        ? scalarOf(of[1])
        : scalarOf({ kind: "name", name: of[1].name });
      return { kind: "array", of: read(of[0] as TypeName), count: length };
    }
    const fields = structs.get(name);
    if (!fields) throw new TypeError(`Cannot run WGSL: type "${name}"`);
    return {
      kind: "struct",
      fields: new Map(fields.map(({ name, type }) => [name, read(type)])),
    };
  };
  return read;
}

function sizeWords(tree: WgslTree, outside: Outside, names: Names): string[] {
  const writer = new ExpressionWriter(outside, names);
  return tree.workgroupSize.map((one) => writer.scalar(one));
}

function declareConstant(
  { how, name, type, value }: Declaration,
  constants: Readonly<Record<string, number>>,
  outside: Outside,
  names: Names,
): string[] {
  const writer = new ExpressionWriter(outside, names);
  const given = value && writer.value(value);
  const of = type ? outside.typeOf(type) : given!.type;
  const from = given ? elementOf(given.type) : "int";
  const parts = Array.from({ length: sizeOf(of) }, () => fresh(name));
  const told = how === "override" ? constants[name] : undefined;
  for (const [i, part] of parts.entries()) {
    const word = told === undefined
      ? converted(given!.parts[i]!, from, elementOf(of))
      : elementOf(of) === "bool"
      ? `${told !== 0}`
      : `${told}`;
    writer.lines.push(`const ${part} = ${word};`);
  }
  names.set(name, valueOf(of, parts));
  return writer.lines;
}

interface Around {
  readonly outside: Outside;
  readonly elements: Record<string, "f32" | "u32" | "i32">;
  readonly lanes: () => string;
}

function declareMemory(
  { space, name, type }: Declaration,
  { outside, elements, lanes }: Around,
) {
  const [memory, at] = [fresh(name), "0"];
  const texture = /^texture_/.test(type!.name)
    ? (type!.of[0] as TypeName).name
    : undefined;
  const of: Type = texture === undefined ? outside.typeOf(type!) : {
    kind: "array",
    of: scalar(texture === "rgba32uint" ? "u32" : "f32"),
    count: "0",
  };
  if (space === "uniform") {
    const fields = [...(of as { fields: ReadonlyMap<string, Type> }).fields];
    const parts = fields.map(([field]) => fresh(field));
    const lines = fields.map(([field], i) =>
      `const ${parts[i]} = params.${field};`
    );
    return { value: valueOf(of, parts), lines, cleared: [] };
  }
  const value = { type: of, parts: [], memory: { name: memory, at } };
  if (space === "workgroup") {
    const lines = [`const ${memory} = new Float64Array(${extentOf(of)});`];
    return { value, lines, cleared: [memory] };
  }
  if (space === "private") {
    const extent = extentOf(of);
    const line = `const ${memory} = new Float64Array(${lanes()} * ${extent});`;
    const own = { ...value, memory: { name: memory, at: `LANE * ${extent}` } };
    return { value: own, lines: [line], cleared: [memory] };
  }
  elements[name] = concrete(innermost(of)) as "f32" | "u32" | "i32";
  const lines = [`const ${memory} = memory.${name};`];
  return { value, lines, cleared: [] };
}

function innermost(type: Type): Scalar {
  return type.kind === "array" ? innermost(type.of) : elementOf(type);
}
