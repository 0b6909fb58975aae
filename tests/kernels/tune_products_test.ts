import { assert, assertEquals } from "@std/assert";
import { chooseProduct, chosenProduct } from "../../kernels/product_choice.ts";
import { lanesOf } from "../../kernels/lanes.ts";
import { panelShapes } from "../../kernels/product_panel.ts";
import { TILE_HEIGHTS } from "../../kernels/product_tile.ts";
import { linear, linearDw, linearDx } from "../../kernels/linear.ts";
import { tuneProducts } from "../../kernels/tune_products.ts";
import { gpuTest } from "./gpu_test_case.ts";
import { seededMatrix } from "./matrix_case.ts";
import { seeded } from "./numbers.ts";

const probe = { tokens: 33, rows: 130, cols: 36 };

await gpuTest(
  "candidates of tuneProducts() give the same bits",
  async (device) => {
    const { w } = seededMatrix(device, 130, 36, "bf16");
    const x = device.upload(seeded(40 * 36, 1), [40, 36]);
    const dy = device.upload(seeded(40 * 130, 2), [40, 130]);
    const products = async () => {
      const made = [
        linear(device, x, w),
        linearDx(device, dy, w),
        linearDw(device, dy, x),
      ];
      return (await device.readAll(made)).map((y) => [...y]);
    };
    const first = await products();
    const count = device.variant === "panel"
      ? panelShapes(lanesOf(device))
      : TILE_HEIGHTS;
    for (const i of count.keys()) {
      chooseProduct(device, i);
      assertEquals(await products(), first);
    }
    chooseProduct(device, 0);
  },
);

await gpuTest(
  "tuneProducts() measures once and keeps its choice",
  async (device) => {
    const folder = await Deno.makeTempDir();
    const tuned = await tuneProducts(device, { folder, probe });
    assert(tuned.measured);
    const [file] = await Array.fromAsync(Deno.readDir(folder));
    const path = `${folder}/${file!.name}`;
    const kept = JSON.parse(await Deno.readTextFile(path));
    assertEquals(kept, { adapter: device.description, name: tuned.chosen });
    chooseProduct(device, 1);
    const again = await tuneProducts(device, { folder, probe });
    assertEquals(again, { chosen: tuned.chosen, measured: false });
    const retuned = await tuneProducts(device, { folder, probe, retune: true });
    assert(retuned.measured);
    await Deno.writeTextFile(path, "{");
    assert((await tuneProducts(device, { folder, probe })).measured);
    chooseProduct(device, 0);
    await Deno.remove(folder, { recursive: true });
  },
  { variants: ["panel"], read: true, write: true },
);

await gpuTest(
  "tuneProducts() goes without a file where it may not write",
  async (device) => {
    const folder = "/nowhere/kernels";
    assert((await tuneProducts(device, { folder, probe })).measured);
    assert(chosenProduct(device) < TILE_HEIGHTS.length);
    chooseProduct(device, 0);
  },
  { variants: ["tile"] },
);
