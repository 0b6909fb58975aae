/**
 * Where the small models, adapters and numbers lie that every clone has. A test that needs some
 * model, and not the reference's own numbers, takes it from here, so that nothing beside the clone
 * changes what it claims.
 */
import { fromFileUrl, join } from "@std/path";

/** The folder of the subset of the reference. */
export const FIXTURES: string = fromFileUrl(
  new URL("./fixtures/reference", import.meta.url),
);

/** The path of `name`, such as `models/qwen2`, in the subset of the reference. */
export function fixturePath(name: string): string {
  return join(FIXTURES, name);
}
