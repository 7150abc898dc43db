//! What a text will look like. Must not know who asks; stores nothing.

use super::Comments;
use super::submit::render_body;
use crate::base::text::Body;

impl Comments {
    /// The HTML that a submission of this text would show. No round trip.
    pub async fn preview(&self, body: Body) -> String {
        render_body(body).await
    }
}
