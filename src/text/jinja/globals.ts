/**
 * The names that every chat template has: constants, `range()`, and the functions that transformers
 * adds to Jinja's.
 */
import { Environment } from "@huggingface/jinja";
import { checkRange } from "./budget.ts";
import { strftime } from "./strftime.ts";
import {
  dictOf,
  numberOf,
  strText,
  textOf,
  typeName,
  type Value,
  wrap,
  wrapFunction,
} from "./values.ts";

/** Makes the names; `now` is the clock of `strftime_now()`. */
export function templateGlobals(now: () => Date): Environment {
  const globals = new Environment();
  for (
    const [name, value] of [
      ["true", true],
      ["false", false],
      ["none", null],
    ] as const
  ) {
    globals.set(name, value);
    globals.set(name[0]?.toUpperCase() + name.slice(1), value);
  }
  const functions = {
    range: (args: Value[]) => wrap(range(args)),
    strftime_now: (args: Value[]) =>
      wrap(strftime(now(), textArgument("strftime_now", "format", args))),
    raise_exception([message]: Value[]): Value {
      throw new RangeError(
        strText(argument("raise_exception", "message", message)),
      );
    },
  };
  for (const [name, call] of Object.entries(functions)) {
    globals.setVariable(name, wrapFunction(call));
  }
  return globals;
}

function range(args: readonly Value[]): number[] {
  if (args.length < 1 || args.length > 3) {
    throw new TypeError(`range expected 1 to 3 arguments, got ${args.length}`);
  }
  const numbers = args.map((value) => {
    const number = value.type === "FloatValue" ? undefined : numberOf(value);
    if (number !== undefined) return number;
    throw new TypeError(
      `'${typeName(value)}' object cannot be interpreted as an integer`,
    );
  });
  const [first = 0, stop, step = 1] = numbers;
  const [from, to] = stop === undefined ? [0, first] : [first, stop];
  if (step === 0) throw new RangeError("range() arg 3 must not be zero");
  const count = Math.max(0, Math.ceil((to - from) / step));
  checkRange(count);
  return Array.from({ length: count }, (_, i) => from + i * step);
}

/** The one argument of a function, by its place or by its name. */
function argument(
  call: string,
  name: string,
  value: Value | undefined,
): Value {
  const found = value?.type === "KeywordArgumentsValue"
    ? dictOf(value)?.get(name)
    : value;
  if (found === undefined) {
    throw new TypeError(
      `${call}() missing 1 required positional argument: '${name}'`,
    );
  }
  return found;
}

function textArgument(
  call: string,
  name: string,
  [value]: readonly Value[],
): string {
  const found = argument(call, name, value);
  const text = textOf(found);
  if (text === undefined) {
    throw new TypeError(
      `${call}() argument 1 must be str, not ${typeName(found)}`,
    );
  }
  return text;
}
