/** Texts for sums over the lanes of a workgroup, by the names in the `//#use` lines of shaders. */
import addLanes from "./add_lanes.wgsl" with { type: "text" };
import total from "./total.wgsl" with { type: "text" };

/** `total()` of a Real, and the sum over lanes. */
export const LANE_PIECES = {
  "add_lanes.wgsl": addLanes,
  "total.wgsl": total,
};
