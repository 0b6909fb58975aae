/** Grids of more workgroups than one dimension may have (65,535). Knows no kernel. */
import type { Grid } from "./recorder.ts";

const MOST = 65_535;

/**
 * Folds `groups` workgroups over x and y. The kernel's group number is
 * `group.x + group.y * num_workgroups.x`; it can be past the end, so the kernel must check.
 */
export function foldedGrid(groups: number): Grid {
  if (groups <= MOST) return [groups];
  const y = Math.ceil(groups / MOST);
  return [Math.ceil(groups / y), y];
}
