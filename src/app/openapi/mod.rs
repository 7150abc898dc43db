//! The OpenAPI 3.1 document, made from the code: handlers describe what is their own, rules add what all of a kind have in
//! common. Must not say what the code doesn't do.

mod bodies;
mod examples;
mod fields;
mod headers;
mod operations;
mod refusals;

use anyhow::Context;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::accounts::http as accounts;
use crate::comments::http as comments;
use crate::moderation::http as moderation;
use crate::sites::http as sites;
use crate::transfer::http as transfer;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rejoinder",
        description = include_str!("about.md"),
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "The service that answers this document")),
    external_docs(url = "/problems/", description = "Every code of a refusal: what it means and what to do"),
    paths(
        comments::submit::submit,
        comments::list::list,
        comments::list::replies,
        comments::show::show,
        comments::preview::preview,
        comments::counts::list,
        comments::counts::count,
        comments::edit::edit,
        comments::withdraw::withdraw,
        comments::vote::vote,
        comments::vote::take_back,
        comments::report::report,
        crate::reader::avatars::avatar,
        crate::reader::feeds::page,
        crate::reader::feeds::site,
        accounts::sign_in::sign_in,
        accounts::current::current,
        accounts::sign_out::sign_out,
        accounts::totp::set_up,
        accounts::totp::turn_off,
        accounts::tokens::list,
        accounts::tokens::make,
        accounts::tokens::show,
        accounts::tokens::change,
        accounts::tokens::revoke,
        accounts::sessions::list,
        accounts::sessions::end,
        accounts::setup::set_up,
        accounts::me::show,
        accounts::me::change,
        accounts::me::change_password,
        accounts::people::list::list,
        accounts::people::show::show,
        accounts::people::add::add,
        accounts::people::change::change,
        accounts::people::remove::remove,
        accounts::people::setup_links::make,
        accounts::people::second_factor::remove,
        moderation::list::list,
        moderation::show::show,
        moderation::decide::approve,
        moderation::decide::reject,
        moderation::decide::spam,
        moderation::decide::restore,
        moderation::decide_many::decide_many,
        moderation::edit::edit,
        moderation::delete::delete,
        moderation::replies::reply,
        sites::reasons::list,
        sites::reasons::show,
        sites::reasons::create,
        sites::reasons::change,
        sites::reasons::delete,
        moderation::merge_pages::merge,
        moderation::log::list,
        sites::sites::list,
        sites::sites::make,
        sites::sites::show,
        sites::sites::change,
        sites::sites::delete,
        transfer::export::export,
        sites::pages::list,
        sites::pages::register,
        sites::pages::show,
        sites::pages::change,
        sites::pages::delete,
        moderation::batches::count,
        moderation::batches::make,
        moderation::batches::list,
        moderation::batches::show,
        moderation::batches::results,
        moderation::batches::undo,
        moderation::summary::summary,
        moderation::claims::claim,
        moderation::claims::give_back,
        moderation::authors::show,
        moderation::notes::list_for_comment,
        moderation::notes::list_for_author,
        moderation::notes::note_comment,
        moderation::notes::note_author,
        moderation::notes::delete,
        moderation::events::follow,
        moderation::persons::count,
        moderation::persons::export,
        moderation::persons::erase,
        moderation::persons::show,
        moderation::jobs::list,
        moderation::jobs::retry,
        moderation::jobs::drop_dead,
        super::health::alive,
        super::health::ready,
    ),
    components(schemas(crate::web::problem::Problem)),
    tags(
        (name = "readers", description = "Comments of one's own and of others. No account; cross-origin from the sites' pages."),
        (name = "sessions", description = "Signing in and out, the own account, its password and second factor. Not cross-origin."),
        (name = "tokens", description = "Tokens for programs that act for a moderator. Not cross-origin."),
        (name = "people", description = "Accounts of moderators and who manages them. Not cross-origin."),
        (name = "moderators", description = "The queue, decisions, batches, notes, figures, events. Not cross-origin."),
        (name = "settings", description = "Sites, pages, reasons, the log: read by everybody with an account, changed by admins."),
        (name = "persons", description = "What is held of a person: how much, all of it, its erasure. For admins in a session."),
        (name = "operations", description = "For whoever runs the service.")
    ),
    modifiers(&Schemes)
)]
struct Api;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = |words: &str| {
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .description(Some(words))
                    .build(),
            )
        };
        components.add_security_scheme("bearer", bearer(BEARER));
        components.add_security_scheme("manage_token", bearer(MANAGE_TOKEN));
    }
}

const BEARER: &str = "The token of a session or of a program, as `Authorization: Bearer …`.

A session's comes from `POST /api/v1/admin/sessions`; it lasts 12 hours from its last use and 30 days in all. A program's \
comes from `POST /api/v1/admin/tokens` and lasts until it is revoked or its `expires_at`; it never may more than its maker. \
The desk sends a session's as a cookie instead, from its own pages only (else 403 `not_same_origin`).

Each operation names two words, as `[\"moderator\", \"comments:decide\"]`: the least role (`viewer` < `moderator` < \
`admin` < `owner`), and the scope that a program's token needs (`comments:read`, `comments:personal`, `comments:decide`, \
`settings`); `session` means that no such token is good for it. Of several entries one will do.

401 `unauthenticated`: no token, or one that is not good (any more); sign in again. 403 `forbidden`: role or scope don't \
allow it; the same token will not do later either. What belongs to a site that the account or the token doesn't see is 404.";

const MANAGE_TOKEN: &str = "`manage_token` from the answer to a submission, as `Authorization: Bearer …`. It is good for \
that one comment, for as long as the comment is there. Keep it where only its author gets it, and never put it into an \
address. One that is not good answers 404, as if there were no such comment.";

/// The document as text.
pub struct Document(String);

impl Document {
    /// JSON.
    pub fn text(&self) -> String {
        self.0.clone()
    }
}

/// Makes the document; once, at the start.
pub fn document() -> anyhow::Result<Document> {
    let mut document =
        serde_json::to_value(Api::openapi()).context("while making the OpenAPI document")?;
    bodies::complete(&mut document);
    fields::complete(&mut document);
    refusals::complete(&mut document);
    headers::complete(&mut document);
    examples::complete(&mut document);
    Ok(Document(document.to_string()))
}
