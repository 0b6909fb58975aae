/**
 * Reads keys of config.json and keeps track of which were read and what is wrong with them. Knows
 * no key by name.
 */
import { tell } from "../../base/notes.ts";
import { shown, spelled } from "../../base/shown.ts";
import { FAMILY_KEYS, FIXED_KEYS, isInert } from "./config_keys.ts";

type Json = Readonly<Record<string, unknown>>;

function isFactor(value: unknown): value is number {
  return typeof value === "number" && value >= 1e-30 && value <= 1e30;
}

/** A reader of keys. After the last key, `problems` has everything that is wrong. */
export class ConfigReader {
  readonly problems: string[] = [];
  readonly #read = new Set<string>();

  constructor(readonly config: Json) {}

  /** The value of a key; undefined if it is absent. */
  value(key: string): unknown {
    this.#read.add(key);
    return this.config[key];
  }

  /**
   * Reads a positive integer of at most `most`. What makes lists of that length must have a bound
   * before they are made.
   */
  size(
    key: string,
    fallback?: number,
    most = Number.MAX_SAFE_INTEGER,
  ): number {
    const value = this.value(key) ?? fallback;
    const isSize = Number.isInteger(value) && value as number > 0;
    if (isSize && value as number <= most) return value as number;
    this.problems.push(
      `"${key}" is ${shown(value)}, expected a positive integer` +
        (isSize ? ` of at most ${most}` : ""),
    );
    return 1;
  }

  /** Reads a finite number. */
  number(key: string, fallback: number): number {
    const value = this.value(key) ?? fallback;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    this.problems.push(
      `"${key}" is ${shown(value)}, expected a number`,
    );
    return fallback;
  }

  /** Reads a factor: with it and with its inverse a float32 can be multiplied. */
  factor(key: string, fallback: number): number {
    const value = this.value(key) ?? fallback;
    if (isFactor(value)) return value;
    this.problems.push(
      `"${key}" is ${shown(value)}, expected a positive number, 1e-30 to 1e30`,
    );
    return fallback;
  }

  /** As `factor()`; undefined if it is absent or null. */
  optionalFactor(key: string): number | undefined {
    return (this.value(key) ?? undefined) === undefined
      ? undefined
      : this.factor(key, 1);
  }

  /**
   * Reads a switch. A text names the key that holds it; the switch is false if the key is absent.
   */
  switch(given: boolean | string): boolean {
    if (typeof given === "boolean") return given;
    const value = this.value(given) ?? false;
    if (typeof value !== "boolean") {
      this.problems.push(
        `"${given}" is ${shown(value)}, expected true or false`,
      );
    }
    return value === true;
  }

  /** A key that counts in other families only; a value of it is told and left out. */
  ignore(key: string): void {
    const value = this.value(key) ?? undefined;
    if (value === undefined) return;
    tell(
      `"${key}" (${
        shown(value)
      }) in config.json does not count for model_type "${
        this.config["model_type"]
      }": it is left out, as in transformers`,
    );
  }

  /** Adds a problem for every key that was not read and that could change what is computed. */
  checkRest(): void {
    const model_type = spelled(this.config["model_type"]);
    const fixed = new Map([
      ...Object.entries(FIXED_KEYS),
      ...Object.hasOwn(FAMILY_KEYS, model_type)
        ? Object.entries(FAMILY_KEYS[model_type]!)
        : [],
    ]);
    for (const [key, value] of Object.entries(this.config)) {
      if (this.#read.has(key) || isInert(key, value)) continue;
      const served = fixed.get(key);
      if (served === null) continue;
      if (served?.includes(JSON.stringify(value))) continue;
      this.problems.push(
        served
          ? `"${key}" is ${shown(value)}, only ${served.join(" or ")} is served`
          : `${shown(key)} (${shown(value)}) is not known`,
      );
    }
  }
}
