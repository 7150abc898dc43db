// The README's walk through the types that are generated from the OpenAPI document: what compiles here is what a stranger
// can write. scripts/client makes ./schema.d.ts, compiles this strictly, and runs it against the service.

import assert from "node:assert/strict";
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.js";

const page = "https://example.org/tides";
const { SERVICE_URL: baseUrl, OWNER_EMAIL: email, OWNER_PASSWORD: password } = process.env;
assert(baseUrl && email && password);

const readers = createClient<paths>({ baseUrl });

// A reader comments; the comment is held, and nobody else sees it.
const submitted = await readers.POST("/api/v1/comments", {
  params: { header: { "Idempotency-Key": "generated-walk" } },
  body: { page_url: page, name: "Ada", email: "ada@example.org", body: "The *spring tide* comes later." },
});
assert(submitted.data, JSON.stringify(submitted.error));
const { id, status } = submitted.data.comment;
assert.equal(status, "pending");
assert.deepEqual(await published(), []);

// What is wrong with a comment comes all at once, as a problem document with stable codes.
const wrong = await readers.POST("/api/v1/comments", {
  body: { page_url: page, name: "", email: "nobody", body: "Text" },
});
assert.equal(wrong.response.status, 422);
const problem: components["schemas"]["Problem"] | undefined = wrong.error;
assert.equal(problem?.code, "validation_failed");
assert.deepEqual(problem?.errors?.map((error) => error.field).sort(), ["email", "name"]);

// A moderator signs in, finds it in the queue, and approves the version that was looked at.
const session = await readers.POST("/api/v1/admin/sessions", { body: { email, password } });
assert(session.data, JSON.stringify(session.error));
const bearer = `Bearer ${session.data.token}`;
const signed: Middleware = {
  onRequest({ request }) {
    request.headers.set("Authorization", bearer);
    return request;
  },
};
const moderators = createClient<paths>({ baseUrl });
moderators.use(signed);

const queue = await moderators.GET("/api/v1/admin/comments", { params: { query: { status: ["pending"] } } });
assert(queue.data, JSON.stringify(queue.error));
const held = queue.data.comments.find((comment) => comment.id === id);
assert(held);
const approved = await moderators.POST("/api/v1/admin/comments/{id}/approve", {
  params: { path: { id } },
  body: { version: held.version },
});
assert.equal(approved.data?.status, "approved");

// Now everybody can read it.
assert.deepEqual(await published(), [id]);
console.log("the walk through the generated client: done");

async function published(): Promise<string[]> {
  const thread = await readers.GET("/api/v1/comments", { params: { query: { page_url: page } } });
  assert(thread.data, JSON.stringify(thread.error));
  return thread.data.comments.map((comment) => comment.id);
}
