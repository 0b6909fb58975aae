/**
 * Types of the parts of Deno's standard library that we use: its npm build ships none,
 * and an untyped import would silently be `any`.
 */
declare module "@std/assert" {
  export function assert(
    condition: unknown,
    message?: string,
  ): asserts condition;
  export function assertEquals<T>(
    actual: T,
    expected: T,
    message?: string,
  ): void;
  export function assertNotEquals<T>(
    actual: T,
    expected: T,
    message?: string,
  ): void;
  export function assertAlmostEquals(
    actual: number,
    expected: number,
    tolerance?: number,
    message?: string,
  ): void;
  export function assertExists<T>(
    actual: T,
    message?: string,
  ): asserts actual is NonNullable<T>;
  export function assertMatch(
    actual: string,
    expected: RegExp,
    message?: string,
  ): void;
  export function assertStringIncludes(
    actual: string,
    expected: string,
    message?: string,
  ): void;
  type ErrorClass<E extends Error> = new (...args: never[]) => E;
  export function assertThrows<E extends Error = Error>(
    fn: () => unknown,
    errorClass: ErrorClass<E>,
    messageIncludes?: string,
    message?: string,
  ): E;
  export function assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    errorClass: ErrorClass<E>,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
}
declare module "@std/cli/parse-args" {
  export interface ParseOptions {
    /** True: every word `--name` without a value is a flag. */
    boolean?: boolean;
    /** Flags that `--no-name` turns off. */
    negatable?: readonly string[];
    /**
     * Called for each option with a value, and for each other word; false leaves it out of the
     * result.
     */
    unknown?: (word: string, key?: string, value?: unknown) => unknown;
  }
  export function parseArgs(
    args: readonly string[],
    options?: ParseOptions,
  ): {
    readonly _: readonly (string | number)[];
    readonly [key: string]: unknown;
  };
}
declare module "@std/fmt/colors" {
  export function bold(text: string): string;
  export function dim(text: string): string;
  export function red(text: string): string;
  export function green(text: string): string;
  export function yellow(text: string): string;
  export function blue(text: string): string;
  export function magenta(text: string): string;
  export function cyan(text: string): string;
  export function gray(text: string): string;
  export function bgGreen(text: string): string;
  export function bgRed(text: string): string;
  export function stripAnsiCode(text: string): string;
  export function setColorEnabled(value: boolean): void;
  export function getColorEnabled(): boolean;
}
declare module "@std/jsonc" {
  export function parse(text: string): unknown;
}
declare module "@std/path" {
  export function join(...paths: string[]): string;
  export function basename(path: string, suffix?: string): string;
  export function dirname(path: string): string;
  export function extname(path: string): string;
  export function isAbsolute(path: string): boolean;
  export function relative(from: string, to: string): string;
  export function resolve(...paths: string[]): string;
  export function normalize(path: string): string;
  export function fromFileUrl(url: string | URL): string;
  export function toFileUrl(path: string): URL;
  export function globToRegExp(
    glob: string,
    options?: Record<string, unknown>,
  ): RegExp;
  export function isGlob(path: string): boolean;
}
declare module "@std/csv" {
  export function parse(
    text: string,
    options?: { readonly separator?: string },
  ): string[][];
}
declare module "@std/text" {
  export function closestString(
    word: string,
    candidates: readonly string[],
  ): string;
  export function levenshteinDistance(a: string, b: string): number;
}
declare module "@std/yaml" {
  export function parse(text: string): unknown;
  export function stringify(value: unknown): string;
}
