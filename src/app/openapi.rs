//! The OpenAPI 3.1 document, made from the code. Must not say what the code doesn't do.

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
        description = "Comments of readers: submitted without an account, held for a moderator, shown under their page. \
            Errors are problem documents (RFC 9457) with a stable `code`; lists are cursor pages."
    ),
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
        moderation::jobs::list,
        moderation::jobs::retry,
        moderation::jobs::drop_dead,
        super::health::alive,
        super::health::ready,
    ),
    tags(
        (name = "readers", description = "No account. Cross-origin from the sites' pages."),
        (name = "sessions", description = "Signing in and out. Not cross-origin."),
        (name = "tokens", description = "For programs that act for a moderator. Not cross-origin."),
        (name = "people", description = "Accounts of moderators and who manages them. Not cross-origin."),
        (name = "moderators", description = "With the token of a session. Not cross-origin."),
        (name = "settings", description = "Sites, pages, reasons, the log: read by everybody with an account, changed by admins."),
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
        components.add_security_scheme(
            "bearer",
            bearer(
                "The token of a session (POST /api/v1/admin/sessions) or of a program (POST /api/v1/admin/tokens). Each \
                 operation names the least role, and the scope that a program's token needs; `session` means that no such \
                 token is good for it.",
            ),
        );
        components.add_security_scheme(
            "manage_token",
            bearer("`manage_token` from the answer to a submission"),
        );
    }
}

/// The document as text.
pub struct Document(String);

impl Document {
    /// JSON.
    pub(super) fn text(&self) -> String {
        self.0.clone()
    }
}

/// Makes the document; once, at the start.
pub fn document() -> anyhow::Result<Document> {
    Api::openapi()
        .to_json()
        .map(Document)
        .context("while writing the OpenAPI document")
}
