//! `POST /api/v1/comments/preview`. Must not hold a rule of the trade.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::base::text::Body;
use crate::comments::Comments;
use crate::comments::extract::ReadAllowance;
use crate::web::Valid;
use crate::web::conditional::private_json;
use crate::web::input::rule;
use crate::web::problem::{ApiError, FieldProblem, Problem};

/// A text to be looked at before it is sent.
#[derive(Debug, Deserialize, Validate, ToSchema)]
pub struct PreviewComment {
    /// The text, as in a submission.
    #[schema(
        required = true,
        nullable = false,
        min_length = 1,
        max_length = 10000,
        example = "The *spring tide* comes later."
    )]
    #[validate(required(code = "required", message = "is required"), custom(function = check_body))]
    pub body: Option<String>,
}

fn check_body(text: &str) -> Result<(), ValidationError> {
    rule(Body::parse(text))
}

/// The text as it would be shown.
#[derive(Debug, Serialize, ToSchema)]
struct CommentPreview {
    /// Safe HTML.
    #[schema(example = "<p>The <em>spring tide</em> comes later.</p>")]
    body_html: String,
}

/// Shows what a text would look like, by the rules of a submission; nothing is stored. Costs a public read.
#[utoipa::path(
    post,
    path = "/api/v1/comments/preview",
    tag = "readers",
    operation_id = "preview_comment",
    request_body(content(
        (PreviewComment = "application/json"),
        (PreviewComment = "application/x-www-form-urlencoded")
    )),
    responses(
        (status = 200, body = CommentPreview),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`malformed_body`"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "`origin_not_allowed`"),
        (status = 408, body = Problem, content_type = "application/problem+json", description = "`request_timeout`"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "`body_too_large`"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "`unsupported_media_type`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "`validation_failed`"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "`rate_limited`"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "`unavailable`"),
    )
)]
pub async fn preview(
    comments: Data<Comments>,
    _allowance: ReadAllowance,
    Valid(asked): Valid<PreviewComment>,
) -> Result<HttpResponse, ApiError> {
    let body = Body::parse(asked.body.as_deref().unwrap_or_default())
        .map_err(|complaint| ApiError::of_fields(vec![FieldProblem::new("body", complaint)]))?;
    let body_html = comments.preview(body).await;
    Ok(private_json(
        HttpResponse::Ok(),
        &CommentPreview { body_html },
    ))
}
