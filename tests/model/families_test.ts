import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { FAMILIES } from "../../src/model/families.ts";
import { weightLayouts } from "../../src/model/weight_layout.ts";
import { readModelConfig } from "../../src/model/config.ts";
import { familyConfig } from "./config_case.ts";

const README = fromFileUrl(new URL("../../README.md", import.meta.url));
const checks = { sanitizeOps: true, sanitizeResources: true } as const;

Deno.test("README names every family", {
  ...checks,
  permissions: { read: [README] },
}, () => {
  const text = Deno.readTextFileSync(README);
  for (const name of Object.keys(FAMILIES)) {
    assert(text.includes(`\`${name}\``), name);
  }
});

for (const name of Object.keys(FAMILIES)) {
  Deno.test(`family ${name} names each of its tensors once`, {
    ...checks,
    permissions: "none",
  }, () => {
    const names = weightLayouts(readModelConfig(familyConfig(name)))
      .map(({ name }) => name);
    assert(new Set(names).size === names.length, names.join());
    assert(names.some((name) => name.includes("model.layers.2.")));
  });
}
