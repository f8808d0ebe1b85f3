/** Descriptions of the routes of sessions and sign-in links. */
import { SessionRequest, SignInLinkRequest } from "@mjflow/core/request";
import { CurrentCaller, NewSession, NewSignInLink, Session, wholeOf } from "@mjflow/core/response";
import { AUTH_ERRORS, BODY_ERRORS, type Header, type RouteGroup } from "./route-description.ts";

const SET_COOKIE: Header = {
  name: "Set-Cookie",
  about:
    "With `as: cookie`: the session. The cookie is HttpOnly and SameSite=Strict, and Secure except on this machine.",
  schema: { type: "string" },
};

export const sessions = {
  tag: "Sessions",
  description:
    "A session lets a browser use the API without keeping an API key. It stands for one key, has the same rights and ends with the key. Send its `token` (`mjs_…`) like a key. A session in a cookie counts only in requests with the header `Mjflow-Session: cookie`, from the origin of the API. The operator has sessions of its own.",
  routes: {
    "POST /v1/sessions": {
      id: "createSession",
      summary: "Start a session",
      description:
        "Exchanges the API key of the request for a session. It lasts 12 hours, with `stay` 30 days. Only this response contains the token. A session cannot start another one. An app can have 100 sessions; a new one replaces the oldest.",
      body: SessionRequest,
      example: { label: "office laptop" },
      responses: { 201: { about: "The session.", schema: NewSession, headers: [SET_COOKIE] } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS],
    },
    "GET /v1/sessions": {
      id: "listSessions",
      summary: "List sessions",
      description: "Returns the sessions and unused sign-in links of the app, newest first.",
      responses: { 200: { about: "All sessions, without their secrets.", schema: wholeOf(Session) } },
      errors: AUTH_ERRORS,
    },
    "DELETE /v1/sessions/:id": {
      id: "endSession",
      summary: "End a session",
      description: "The next request of the session gets 401. The id `current` ends the session of this request.",
      path: { id: "Id of the session or sign-in link, or `current`." },
      responses: { 204: { about: "The session has ended.", headers: [SET_COOKIE] } },
      errors: [...AUTH_ERRORS, "not_found", "write_conflict"],
    },
    "GET /v1/session": {
      id: "getSession",
      summary: "Get your own rights",
      description: "Says whether the key or session is the operator's, and which app it belongs to.",
      responses: { 200: { about: "Who sent this request.", schema: CurrentCaller } },
      errors: AUTH_ERRORS,
    },
    "POST /v1/sign-in-links": {
      id: "createSignInLink",
      summary: "Make a sign-in link",
      description:
        "Makes a link to the console that starts a session once, within 10 minutes. The secret is in the fragment of the URL, which browsers send to no server.",
      body: SignInLinkRequest,
      example: {},
      responses: { 201: { about: "The link.", schema: NewSignInLink } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS],
    },
    "POST /v1/sign-in": {
      id: "signIn",
      key: "signIn",
      summary: "Use a sign-in link",
      description: "Send the `token` of the link (`mjl_…`) as the key of this request. It works once.",
      body: SessionRequest,
      example: {},
      responses: { 201: { about: "The session.", schema: NewSession, headers: [SET_COOKIE] } },
      errors: [...AUTH_ERRORS, ...BODY_ERRORS],
    },
  },
} as const satisfies RouteGroup;
