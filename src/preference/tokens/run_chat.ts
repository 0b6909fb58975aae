/** The options of a run for its chat template, for the floors that see templates only from here. */
export { chatOptions } from "../../text/chat_options.ts";
