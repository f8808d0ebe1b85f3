/** The routes of flows and tasks. They are one file on demand, because most requests of an app use several of them. */
export { flows } from "./flow.ts";
export { streams } from "./stream.ts";
export { tasks } from "./task.ts";
