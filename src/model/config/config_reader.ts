/**
 * A config.json that takes note of which keys were read and what is wrong. Knows no key by name.
 */
import { FAMILY_KEYS, FIXED_KEYS, INERT_KEYS } from "./config_keys.ts";

type Json = Readonly<Record<string, unknown>>;

/** Reads keys; see `problems` at the end. */
export class ConfigReader {
  readonly problems: string[] = [];
  readonly #read = new Set<string>();

  constructor(readonly config: Json) {}

  /** The key's value, undefined if it is absent. */
  value(key: string): unknown {
    this.#read.add(key);
    return this.config[key];
  }

  /** A positive integer. */
  size(key: string, fallback?: number): number {
    const value = this.value(key) ?? fallback;
    if (Number.isInteger(value) && value as number > 0) return value as number;
    this.problems.push(
      `"${key}" is ${JSON.stringify(value)}, expected a positive integer`,
    );
    return 1;
  }

  /** A finite number. */
  number(key: string, fallback: number): number {
    const value = this.value(key) ?? fallback;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    this.problems.push(
      `"${key}" is ${JSON.stringify(value)}, expected a number`,
    );
    return fallback;
  }

  /** A positive number; undefined where it is absent or null. */
  optionalNumber(key: string): number | undefined {
    const value = this.value(key) ?? undefined;
    if (value === undefined || typeof value === "number" && value > 0) {
      return value;
    }
    this.problems.push(
      `"${key}" is ${JSON.stringify(value)}, expected a positive number`,
    );
    return undefined;
  }

  /** A switch, or the key that holds it; false where that is absent. */
  switch(given: boolean | string): boolean {
    if (typeof given === "boolean") return given;
    const value = this.value(given) ?? false;
    if (typeof value !== "boolean") {
      this.problems.push(
        `"${given}" is ${JSON.stringify(value)}, expected true or false`,
      );
    }
    return value === true;
  }

  /** Takes note of every key that nobody read and that matters. */
  checkRest(): void {
    const fixed = {
      ...FIXED_KEYS,
      ...FAMILY_KEYS[String(this.config["model_type"])],
    };
    for (const [key, value] of Object.entries(this.config)) {
      if (this.#read.has(key) || INERT_KEYS.has(key)) continue;
      const served = fixed[key];
      if (served === null) continue;
      if (served?.includes(JSON.stringify(value))) continue;
      this.problems.push(
        served
          ? `"${key}" is ${JSON.stringify(value)}, only ${
            served.join(" or ")
          } is served`
          : `"${key}" (${JSON.stringify(value)}) is not known`,
      );
    }
  }
}
