//! Every route on one page, grouped by who may call. Must not hold a rule of the trade.

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, HttpResponse};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::health;
use super::openapi::Document;
use crate::accounts::Accounts;
use crate::accounts::http as accounts;
use crate::base::codes::Code;
use crate::base::page_url::Origin;
use crate::comments::Comments;
use crate::comments::http as comments;
use crate::database::Database;
use crate::desk::setup;
use crate::moderation::http as moderation;
use crate::moderation::{Events, Moderation, Persons};
use crate::reader::{avatars, feeds, pages};
use crate::sites::Sites;
use crate::sites::http as sites;
use crate::transfer::Transfer;
use crate::transfer::http as transfer;
use crate::web::client_address::ClientAddresses;
use crate::web::cors::{self, Origins, Rules};
use crate::web::problem::ApiError;
use crate::web::resource::at;
use crate::web::same_origin::OwnOrigin;

/// What handlers work with.
#[derive(Clone)]
pub(super) struct Services {
    pub(super) database: Data<Database>,
    pub(super) sites: Sites,
    pub(super) accounts: Data<Accounts>,
    pub(super) comments: Data<Comments>,
    pub(super) moderation: Data<Moderation>,
    pub(super) persons: Data<Persons>,
    pub(super) events: Data<Events>,
    pub(super) transfer: Data<Transfer>,
    pub(super) addresses: Data<ClientAddresses>,
    pub(super) own_origin: Data<OwnOrigin>,
    pub(super) document: Data<Document>,
}

impl Origins for Sites {
    fn may_write(&self, origin: &str) -> bool {
        Origin::parse(origin).is_ok_and(|origin| self.may_write_any(&origin))
    }
}

/// Registers every route.
pub(super) fn register(config: &mut ServiceConfig, services: &Services) {
    config
        .app_data(services.database.clone())
        .app_data(Data::new(services.sites.clone()))
        .app_data(services.accounts.clone())
        .app_data(services.comments.clone())
        .app_data(services.moderation.clone())
        .app_data(services.persons.clone())
        .app_data(services.events.clone())
        .app_data(services.transfer.clone())
        .app_data(services.addresses.clone())
        .app_data(services.own_origin.clone())
        .app_data(services.document.clone())
        .configure(moderators)
        .configure(|config| readers(config, &services.sites))
        .configure(operations)
        .default_service(web::to(nothing_here));
}

/// Signed-in people and their programs only; the guard answers strangers, whatever the path.
fn moderators(config: &mut ServiceConfig) {
    config.service(
        web::scope("/api/v1/admin")
            .wrap(from_fn(accounts::guard::authenticate))
            .configure(admin_people)
            .configure(admin_queue)
            .configure(admin_comments)
            .configure(admin_settings)
            .configure(admin_works)
            .configure(admin_persons)
            .default_service(web::to(nothing_here)),
    );
}

/// Sessions, people, tokens.
fn admin_people(config: &mut ServiceConfig) {
    config
        .service(
            at("/sessions")
                .get(accounts::sessions::list)
                .post(accounts::sign_in::sign_in)
                .done(),
        )
        .service(
            at("/sessions/current")
                .get(accounts::current::current)
                .delete(accounts::sign_out::sign_out)
                .done(),
        )
        .service(
            at("/me/totp")
                .post(accounts::totp::set_up)
                .delete(accounts::totp::turn_off)
                .done(),
        )
        .service(
            at("/tokens")
                .get(accounts::tokens::list)
                .post(accounts::tokens::make)
                .done(),
        )
        .service(
            at("/tokens/{id}")
                .get(accounts::tokens::show)
                .patch(accounts::tokens::change)
                .delete(accounts::tokens::revoke)
                .done(),
        )
        .service(at("/sessions/{id}").delete(accounts::sessions::end).done())
        .service(
            at("/me")
                .get(accounts::me::show)
                .patch(accounts::me::change)
                .done(),
        )
        .service(at("/me/password").put(accounts::me::change_password).done())
        .service(
            at("/moderators")
                .get(accounts::people::list::list)
                .post(accounts::people::add::add)
                .done(),
        )
        .service(
            at("/moderators/{id}")
                .get(accounts::people::show::show)
                .patch(accounts::people::change::change)
                .delete(accounts::people::remove::remove)
                .done(),
        )
        .service(
            at("/moderators/{id}/setup-links")
                .post(accounts::people::setup_links::make)
                .done(),
        )
        .service(
            at("/moderators/{id}/totp")
                .delete(accounts::people::second_factor::remove)
                .done(),
        );
}

/// What lists comments, lends them out, and tells of their authors.
fn admin_queue(config: &mut ServiceConfig) {
    config
        .service(at("/comments").get(moderation::list::list).done())
        .service(
            at("/queue/claims")
                .post(moderation::claims::claim)
                .delete(moderation::claims::give_back)
                .done(),
        )
        .service(
            at("/comments/{id}/notes")
                .get(moderation::notes::list_for_comment)
                .post(moderation::notes::note_comment)
                .done(),
        )
        .service(at("/authors/{id}").get(moderation::authors::show).done())
        .service(
            at("/authors/{id}/notes")
                .get(moderation::notes::list_for_author)
                .post(moderation::notes::note_author)
                .done(),
        )
        .service(at("/notes/{id}").delete(moderation::notes::delete).done());
}

/// What is done with comments.
fn admin_comments(config: &mut ServiceConfig) {
    config
        .service(
            at("/comments/{id}")
                .get(moderation::show::show)
                .patch(moderation::edit::edit)
                .delete(moderation::delete::delete)
                .done(),
        )
        .service(
            at("/comments/{id}/replies")
                .post(moderation::replies::reply)
                .done(),
        )
        .service(
            at("/comments/{id}/approve")
                .post(moderation::decide::approve)
                .done(),
        )
        .service(
            at("/comments/{id}/reject")
                .post(moderation::decide::reject)
                .done(),
        )
        .service(
            at("/comments/{id}/spam")
                .post(moderation::decide::spam)
                .done(),
        )
        .service(
            at("/comments/{id}/restore")
                .post(moderation::decide::restore)
                .done(),
        )
        .service(
            at("/decisions")
                .post(moderation::decide_many::decide_many)
                .done(),
        );
}

/// Sites, pages, reasons.
fn admin_settings(config: &mut ServiceConfig) {
    config
        .service(
            at("/reasons")
                .get(sites::reasons::list)
                .post(sites::reasons::create)
                .done(),
        )
        .service(
            at("/reasons/{id}")
                .get(sites::reasons::show)
                .patch(sites::reasons::change)
                .delete(sites::reasons::delete)
                .done(),
        )
        .service(
            at("/sites")
                .get(sites::sites::list)
                .post(sites::sites::make)
                .done(),
        )
        .service(
            at("/sites/{id}")
                .get(sites::sites::show)
                .patch(sites::sites::change)
                .delete(sites::sites::delete)
                .done(),
        )
        .service(
            at("/sites/{id}/export")
                .get(transfer::export::export)
                .done(),
        )
        .service(
            at("/pages")
                .get(sites::pages::list)
                .post(sites::pages::register)
                .done(),
        )
        .service(
            at("/pages/{id}")
                .get(sites::pages::show)
                .patch(sites::pages::change)
                .delete(sites::pages::delete)
                .done(),
        )
        .service(
            at("/pages/{id}/merge")
                .post(moderation::merge_pages::merge)
                .done(),
        );
}

/// Batches, figures, the log, events, jobs.
fn admin_works(config: &mut ServiceConfig) {
    config
        .service(at("/log").get(moderation::log::list).done())
        .service(
            at("/batches")
                .get(moderation::batches::list)
                .post(moderation::batches::make)
                .done(),
        )
        .service(
            at("/batches/counts")
                .post(moderation::batches::count)
                .done(),
        )
        .service(at("/batches/{id}").get(moderation::batches::show).done())
        .service(
            at("/batches/{id}/results")
                .get(moderation::batches::results)
                .done(),
        )
        .service(
            at("/batches/{id}/undo")
                .post(moderation::batches::undo)
                .done(),
        )
        .service(at("/summary").get(moderation::summary::summary).done())
        .service(at("/events").get(moderation::events::follow).done())
        .service(at("/jobs").get(moderation::jobs::list).done())
        .service(at("/jobs/{id}").delete(moderation::jobs::drop_dead).done())
        .service(at("/jobs/{id}/retry").post(moderation::jobs::retry).done());
}

/// All that is held of a person, by their e-mail address, which stands in no path.
fn admin_persons(config: &mut ServiceConfig) {
    config
        .service(
            at("/persons/counts")
                .post(moderation::persons::count)
                .done(),
        )
        .service(
            at("/persons/exports")
                .post(moderation::persons::export)
                .done(),
        )
        .service(
            at("/persons/erasures")
                .post(moderation::persons::erase)
                .done(),
        )
        .service(
            at("/persons/erasures/{id}")
                .get(moderation::persons::show)
                .done(),
        );
}

/// Everybody, from the sites' web pages too.
fn readers(config: &mut ServiceConfig, sites: &Sites) {
    let rules = Rules {
        origins: Arc::new(sites.clone()),
        reading_posts: &["/api/v1/pages/counts"],
    };
    config.service(
        web::scope("/api/v1")
            .wrap(from_fn(move |request, next| {
                cors::wrap(rules.clone(), request, next)
            }))
            .service(
                at("/comments")
                    .get(comments::list::list)
                    .post(comments::submit::submit)
                    .done(),
            )
            .service(
                at("/comments/preview")
                    .post(comments::preview::preview)
                    .done(),
            )
            .service(
                at("/comments/{id}")
                    .get(comments::show::show)
                    .patch(comments::edit::edit)
                    .delete(comments::withdraw::withdraw)
                    .done(),
            )
            .service(
                at("/comments/{id}/vote")
                    .put(comments::vote::vote)
                    .delete(comments::vote::take_back)
                    .done(),
            )
            .service(
                at("/comments/{id}/reports")
                    .post(comments::report::report)
                    .done(),
            )
            .service(
                at("/comments/{id}/replies")
                    .get(comments::list::replies)
                    .done(),
            )
            .service(
                at("/pages/counts")
                    .get(comments::counts::list)
                    .post(comments::counts::count)
                    .done(),
            )
            .service(at("/pages/feed.atom").get(feeds::page).done())
            .service(at("/feed.atom").get(feeds::site).done())
            .service(at("/setup").post(accounts::setup::set_up).done())
            .service(at("/openapi.json").get(openapi).done())
            .default_service(web::to(nothing_here)),
    );
    config.service(at("/avatars/{file}").get(avatars::avatar).done());
}

/// Operators and whoever reads about the API.
fn operations(config: &mut ServiceConfig) {
    config
        .service(at("/healthz").get(health::alive).done())
        .service(at("/readyz").get(health::ready).done())
        .service(at("/").get(pages::welcome).done())
        .service(at("/problems").get(pages::problems).done())
        .service(at("/problems/").get(pages::problems).done())
        .service(at("/problems/{code}").get(pages::problem).done())
        .service(at("/assets/plain.css").get(pages::style).done())
        .service(
            at("/desk/setup")
                .get(setup::form)
                .post(setup::redeem)
                .done(),
        )
        .service(at("/assets/desk/setup.js").get(setup::script).done())
        .service(at("/docs").get(to_docs).done())
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::new(["/api/v1/openapi.json"])));
}

async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ApiError::new(Code::NotFound))
}

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "/docs/"))
        .finish()
}

async fn openapi(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(document.text())
}

/// What the pages of Swagger UI need, which come from this service alone: their scripts, and the styles that they set.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sets the content-security-policy of the pages under `/docs/`, which a library makes.
pub(super) async fn docs_policy<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let docs = request.path().starts_with("/docs/");
    let mut response = next.call(request).await?;
    if docs {
        response.headers_mut().insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(DOCS_POLICY),
        );
    }
    Ok(response)
}
