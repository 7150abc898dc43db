//! `GET /healthz` and `GET /readyz`. Must not do more than look.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::base::codes::Code;
use crate::database::{self, Database, Lane};
use crate::web::conditional::private_json;
use crate::web::problem::ApiError;

/// A migration takes a while.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `alive` or `ready`.
    #[schema(value_type = String, pattern = "^(alive|ready)$")]
    status: &'static str,
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, body = Health)))]
pub async fn alive() -> HttpResponse {
    private_json(HttpResponse::Ok(), &Health { status: "alive" })
}

/// Whether the database is reachable and migrated; 503 with the reason where it isn't.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, body = Health),
        (status = 503, description = "`unavailable`, with the reason in `detail`"),
    )
)]
pub async fn ready(database: Data<Database>) -> Result<HttpResponse, ApiError> {
    let current = database
        .run(Lane::Moderators, async |connection: &mut PgConnection| {
            database::is_current(connection).await
        })
        .await?;
    if current {
        Ok(private_json(
            HttpResponse::Ok(),
            &Health { status: "ready" },
        ))
    } else {
        Err(ApiError::because(
            Code::Unavailable,
            "the database is not migrated to this release's schema",
        )
        .retry_after(ASK_AGAIN))
    }
}
