/** The address of a hub and the user's token: the options' own, else the environment's. */
import { readText } from "../files/disk/whole_file.ts";
import type { HubSource } from "../files/hub/repo.ts";

/** Variables with the address of a hub and the user's token, as the hubs' own tools read them. */
export const HUB_VARIABLES: Readonly<
  Record<HubSource, { readonly endpoint: string; readonly token: string }>
> = {
  huggingface: { endpoint: "HF_ENDPOINT", token: "HF_TOKEN" },
  modelscope: {
    endpoint: "MODELSCOPE_ENDPOINT",
    token: "MODELSCOPE_API_TOKEN",
  },
};

/** Reads a variable of the environment. */
export type Environment = (name: string) => string | undefined;

/** The options that say how a hub is reached. */
export interface AccessOptions {
  readonly endpoint: string | null;
  readonly token: string | null;
  readonly token_file: string | null;
}

/**
 * Endpoint and token for a hub. The token is never part of a message.
 *
 * @throws {TypeError} if the token is no word
 */
export async function hubAccess(
  source: HubSource,
  options: AccessOptions,
  environment: Environment,
): Promise<{ readonly endpoint?: string; readonly token?: string }> {
  const names = HUB_VARIABLES[source];
  const endpoint = options.endpoint ?? environment(names.endpoint);
  const { token_file: path } = options;
  const given = options.token ??
    (path === null ? environment(names.token) : await readText(path));
  const token = given?.trim();
  if (token && !/^[\x21-\x7e]+$/.test(token)) {
    const where = options.token !== null
      ? "--token"
      : path === null
      ? names.token
      : `"${path}"`;
    throw new TypeError(
      `Cannot use the token of ${where}: found spaces or other characters that no token has, expected one word`,
    );
  }
  return { ...(endpoint && { endpoint }), ...(token && { token }) };
}
