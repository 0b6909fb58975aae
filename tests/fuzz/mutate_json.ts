/** Changes JSON by chance at places of its own: values, keys, lists, numbers, texts. */
import type { Chance } from "./chance.ts";

/** Values that readers trip over. Made anew each time, since what they go into is changed. */
const odd = (): unknown[] => [
  ...[null, true, false, 0, -0, -1, 1, 0.5, 2, 7, 65, 1000, 10_001],
  ...[1e308, -1e308, 1e-300, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 + 2, 1e15],
  ...["", " ", "x", "0", "-1", "1e400", "NaN", "true", "null", "none"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "length"],
  ...["a".repeat(300), "\0", "\ud800", "\u202e", "é", "💥", "\n", "\r\n"],
  ...["(", "[", "(a+)+$", "(([a-z.]+)+)+X", ".*", "{{", "{%", "\\", "$&"],
  ...["../x", "/etc/passwd", "all-linear", "F32", "model", "assistant"],
  ...[[], {}, [[]], [null], [0], [-1], ["x"], ["x", 0], [2 ** 53], [{}]],
  ...[[1, 2, 3, 4, 5, 6, 7, 8, 9], { a: 1 }, { type: "x" }, { content: null }],
  ...[{ role: "user", content: "x" }, { length: 3 }, { toString: 1 }],
];

const KEYS = [
  ...["__proto__", "constructor", "toString", "valueOf", "", "x", "length"],
  ...["type", "model_type", "0", "then", "toJSON", "name", "content", "role"],
];

type Holder = Record<string | number, unknown>;

/** Every holder with each of its keys. */
function placesOf(root: Holder): [Holder, string | number][] {
  const places: [Holder, string | number][] = [];
  const queue: Holder[] = [root];
  for (const holder of queue) {
    const keys = Array.isArray(holder)
      ? holder.slice(0, 16).keys()
      : Object.keys(holder).slice(0, 80);
    for (const key of keys) {
      places.push([holder, key]);
      const value = holder[key];
      if (typeof value === "object" && value !== null) {
        queue.push(value as Holder);
      }
    }
  }
  return places;
}

/** Sets a key as `JSON.parse()` does: `__proto__` is a key like others. */
function put(holder: Holder, key: string | number, value: unknown): void {
  Object.defineProperty(holder, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

const PIECES = [
  ...["", "\0", "\\", "(", ")", "*", "+", "{{", "}}", "{%", "%}", "\ufeff"],
  ...["💥", "\ud83d", "\n", '"', "'", ",", ":", ".", "/", "[", "]", "<|", "|>"],
];

/** A text with something put into it, taken out of it, or said again and again. */
function oddText(chance: Chance, text: string): string {
  const at = chance.below(text.length + 1);
  const rest = text.slice(at + chance.below(3));
  if (chance.oneIn(8)) return text.repeat(1 + chance.below(20)).slice(0, 5000);
  return text.slice(0, at) + chance.pick(PIECES) + rest;
}

function changeOnce(chance: Chance, root: Holder): void {
  const places = placesOf(root);
  const [holder, key] = chance.pick(places);
  const value = holder[key];
  const isHeld = typeof value === "object" && value !== null;
  switch (chance.below(7)) {
    case 0: {
      if (holder === root) return;
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    }
    case 1:
      if (Array.isArray(value)) value.push(chance.pick(odd()));
      else if (isHeld) {
        put(value as Holder, chance.pick(KEYS), chance.pick(odd()));
      } else put(holder, key, chance.pick(odd()));
      return;
    case 2:
      if (typeof value === "number") {
        const factor = chance.pick([-1, 0, 2, 0.5, 3, 1e9, 1e18, 1e-9]);
        put(holder, key, value * factor + chance.pick([0, 0, 1, -1]));
        return;
      }
      break;
    case 3:
      if (typeof value === "string") {
        put(holder, key, oddText(chance, value));
        return;
      }
      break;
    case 4: { // what stands elsewhere
      const [other, from] = chance.pick(places);
      put(holder, key, structuredClone(other[from]));
      return;
    }
    case 5:
      put(holder, key, chance.oneIn(2) ? [value] : { [String(key)]: value });
      return;
  }
  put(holder, key, chance.pick(odd()));
}

/** A value with one to three changes; it stays JSON. */
export function mutateJson(chance: Chance, value: unknown): unknown {
  const root: Holder = { root: structuredClone(value) };
  for (let i = chance.between(1, 4); i > 0; i--) changeOnce(chance, root);
  return root["root"];
}

/** As `mutateJson()`, for code that is only given objects. */
export function mutateObject(
  chance: Chance,
  value: unknown,
): Record<string, unknown> {
  const made = mutateJson(chance, value);
  const isObject = typeof made === "object" && made !== null &&
    !Array.isArray(made);
  return isObject ? made as Record<string, unknown> : {};
}
