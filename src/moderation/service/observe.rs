//! How much waits for moderators, for the figures of an operator. Must not know HTTP or SQL.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use time::Duration;

use super::Moderation;
use crate::database::Lane;
use crate::moderation::error::Error;
use crate::moderation::store::figures as store;

/// So many sites have figures of their own; the others have them together.
const SITES_NAMED_MAX: i64 = 100;
/// In place of a site's slug. No slug has an asterisk.
const OTHERS: &str = "*";

impl Moderation {
    /// Publishes each site's queue. `shown` holds the slugs of the time before: what isn't found any more, because a site
    /// has another slug now, becomes zero. One round trip, bounded however much waits.
    pub async fn observe(&self, shown: &mut BTreeSet<String>) -> Result<(), Error> {
        let run = async |connection: &mut PgConnection| {
            Ok::<_, Error>(store::count_queues(connection, SITES_NAMED_MAX).await?)
        };
        let queues = self.database.run(Lane::Moderators, run).await?;
        let now = self.clock.now();
        let mut found = BTreeSet::new();
        for queue in queues {
            let slug = queue.slug.unwrap_or_else(|| OTHERS.to_owned());
            let waited = queue.oldest_at.map_or(Duration::ZERO, |at| now - at);
            publish(&slug, queue.pending, waited);
            found.insert(slug);
        }
        for gone in shown.difference(&found) {
            publish(gone, 0, Duration::ZERO);
        }
        *shown = found;
        Ok(())
    }
}

fn publish(slug: &str, pending: i64, waited: Duration) {
    let pending = f64::from(u32::try_from(pending).unwrap_or(u32::MAX));
    metrics::gauge!("rejoinder_queue_pending", "site" => slug.to_owned()).set(pending);
    metrics::gauge!("rejoinder_queue_oldest_seconds", "site" => slug.to_owned())
        .set(waited.as_seconds_f64().max(0.0));
}
