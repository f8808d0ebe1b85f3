/**
 * The routes that are used less often than flows and tasks. They are one file on demand: each further file divides the code that routes
 * share into more pieces, and a cold start reads each piece (docs/decisions/0084).
 */
export { apps } from "./apps.ts";
export { bannedWords } from "./banned.ts";
export { deadLetters } from "./dead-letter.ts";
export { deliveries } from "./delivery.ts";
export { endpoints } from "./endpoint.ts";
export { folders } from "./folder.ts";
export { media } from "./media.ts";
export { operations } from "./operation.ts";
export { pictures } from "./picture.ts";
export { providers } from "./provider.ts";
export { replays } from "./replay.ts";
export { sessions, signIn } from "./session.ts";
export { shared, shares } from "./share.ts";
export { templates } from "./template.ts";
export { uploadLinks, uploads } from "./upload.ts";
export { usage } from "./usage.ts";
