/**
 * Prints which of the permissions named as arguments, `net huggingface.co`, this process has. Run
 * by permissions_test.ts under the sets of deno.json.
 */
// deno-lint-ignore-file no-console
function descriptor(kind: string, value: string): Deno.PermissionDescriptor {
  switch (kind) {
    case "net":
      return { name: "net", host: value };
    case "write":
      return { name: "write", path: value };
    case "read":
      return { name: "read", path: value };
    case "env":
      return { name: "env", variable: value };
    case "sys":
      return { name: "sys", kind: value as "hostname" };
    case "run":
      return value === "" ? { name: "run" } : { name: "run", command: value };
    default:
      return { name: "ffi" };
  }
}

for (const word of Deno.args) {
  const [kind = "", value = ""] = word.split(" ");
  const { state } = Deno.permissions.querySync(descriptor(kind, value));
  if (state === "granted") console.log(word);
}
