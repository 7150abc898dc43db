//! Rows to begin with. Must not know what is tested.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::join_all;
use rejoinder::accounts::model::SiteScope;
use rejoinder::base::clock::Clock;
use rejoinder::base::ids::{CommentId, ModeratorId, PageId, SiteId};
use rejoinder::base::secret::ServerSecret;
use rejoinder::comments::model::Status;
use rejoinder::comments::model::decisions::{DecidedComment, Decider, DecisionRequest};
use rejoinder::comments::service::moderate::{Ask, decide_whole};
use rejoinder::comments::{Changes, Comments, Limits, WRITERS};
use rejoinder::database::{Database, Error, Notices};
use rejoinder::settings::RateLimit;
use rejoinder::sites::Sites;
use rejoinder::sites::service::PageChanges;
use sqlx::{PgConnection, PgPool};

use crate::support;

/// The database of one test.
pub(crate) struct TestDatabase {
    /// As the service uses it.
    pub(crate) database: Database,
    /// For looking behind it.
    pub(crate) pool: PgPool,
}

/// A fresh database with the schema.
pub(crate) async fn database() -> TestDatabase {
    let fresh = support::TestDatabase::create().await;
    TestDatabase {
        database: fresh.database(),
        pool: fresh.pool,
    }
}

/// Decides one comment, as a decision that waits for whoever holds it.
pub(crate) async fn decide_one(
    connection: &mut PgConnection,
    scope: &SiteScope,
    by: Decider,
    request: &DecisionRequest,
) -> Result<DecidedComment, Error> {
    let ask = Ask {
        scope,
        by: by.moderator_id,
        request,
    };
    let decided = decide_whole(connection, by.at, &[ask]).await?;
    Ok(decided.into_iter().next().unwrap())
}

/// A site with a page, a moderator, and the means to add comments.
pub(crate) struct Seed {
    pub(crate) site: SiteId,
    pub(crate) slug: String,
    pub(crate) page: PageId,
    pub(crate) moderator: ModeratorId,
}

impl Seed {
    pub(crate) async fn plant(pool: &PgPool) -> Self {
        let now = Clock::new().now();
        let (site, moderator) = (SiteId::new(now), ModeratorId::new(now));
        let slug = format!("s{}", site.as_uuid().simple());
        sqlx::query!(
            "insert into sites (id, slug, name, created_at) values ($1, $2, 'Tides', $3)",
            site.as_uuid(),
            slug,
            now
        )
        .execute(pool)
        .await
        .unwrap();
        sqlx::query!(
            "insert into reasons (id, site_id, code, text, created_at)
            select gen_random_uuid(), $1, code, 'It is so.', $2 from unnest(array['abuse', 'other']) code",
            site.as_uuid(),
            now
        )
        .execute(pool)
        .await
        .unwrap();
        let email = format!("{moderator}@example.org");
        sqlx::query!(
            "insert into moderators (id, email, email_key, name, role, created_at)
            values ($1, $2, $2, 'Mo', 'moderator', $3)",
            moderator.as_uuid(),
            email,
            now
        )
        .execute(pool)
        .await
        .unwrap();
        let page = add_page(pool, site).await;
        Self {
            site,
            slug,
            page,
            moderator,
        }
    }

    /// Another one whose pages live there.
    pub(crate) async fn plant_at(pool: &PgPool, origin: &str) -> Self {
        let seed = Self::plant(pool).await;
        sqlx::query!(
            "update sites set origins = array[$2] where id = $1",
            seed.site.as_uuid(),
            origin
        )
        .execute(pool)
        .await
        .unwrap();
        seed
    }

    /// A comment that waits.
    pub(crate) async fn comment(&self, pool: &PgPool) -> CommentId {
        add_comment(pool, self.site, self.page, Status::Pending).await
    }
}

pub(crate) async fn add_page(pool: &PgPool, site: SiteId) -> PageId {
    let now = Clock::new().now();
    let page = PageId::new(now);
    let key = format!("tides.example/{page}");
    sqlx::query!(
        "insert into pages (id, site_id, url, url_key, created_at) values ($1, $2, $3, $4, $5)",
        page.as_uuid(),
        site.as_uuid(),
        format!("https://{key}"),
        key,
        now
    )
    .execute(pool)
    .await
    .unwrap();
    page
}

/// A comment in a state, with the line of its submission; the page's count isn't touched.
pub(crate) async fn add_comment(
    pool: &PgPool,
    site: SiteId,
    page: PageId,
    status: Status,
) -> CommentId {
    let now = Clock::new().now();
    let id = CommentId::new(now);
    sqlx::query!(
        "insert into comments (id, site_id, page_id, root_id, depth, status, name, email, email_key, body, body_html,
            avatar, ip, user_agent, submitted_at, published_at, content_hash)
        values ($1, $2, $3, $1, 0, $4, 'Ada', 'ada@example.org', 'ada@example.org', 'High water at noon',
            '<p>High water at noon</p>', repeat('a', 32), '192.0.2.7', 'Browser', $5::timestamptz,
            case when $4 = 'approved' then $5::timestamptz end, '\\x00')",
        id.as_uuid(),
        site.as_uuid(),
        page.as_uuid(),
        status.as_str(),
        now
    )
    .execute(pool)
    .await
    .unwrap();
    sqlx::query!(
        "insert into comment_history (comment_id, version, at, actor_kind, to_status) values ($1, 1, $2, 'author', $3)",
        id.as_uuid(),
        now,
        status.as_str()
    )
    .execute(pool)
    .await
    .unwrap();
    id
}

/// An answer that waits.
pub(crate) async fn add_answer(pool: &PgPool, parent: CommentId) -> CommentId {
    let now = Clock::new().now();
    let id = CommentId::new(now);
    sqlx::query!(
        "insert into comments (id, site_id, page_id, parent_id, root_id, depth, status, name, email, email_key, body,
            body_html, avatar, submitted_at, content_hash)
        select $1, site_id, page_id, id, root_id, depth + 1, 'pending', 'Bo', 'bo@example.org', 'bo@example.org', 'So it is',
            '<p>So it is</p>', avatar, $3, content_hash
        from comments
        where id = $2",
        id.as_uuid(),
        parent.as_uuid(),
        now
    )
    .execute(pool)
    .await
    .unwrap();
    id
}

/// The services of readers' comments, with a secret of their own.
pub(crate) fn services(database: &Database, clock: &Clock) -> (Sites, Comments) {
    services_with(database, clock, &ServerSecret::generate())
}

/// The comments of two instances that share a database and a secret, each with a queue of its own.
pub(crate) async fn two_instances(database: &Database, clock: &Clock) -> [Comments; 2] {
    let secret = ServerSecret::generate();
    let [first, second] = [(); 2].map(|()| services_with(database, clock, &secret));
    first.0.refresh().await.unwrap();
    second.0.refresh().await.unwrap();
    [first.1, second.1]
}

fn services_with(database: &Database, clock: &Clock, secret: &ServerSecret) -> (Sites, Comments) {
    let notices = Notices::new(database.clone());
    let pages = PageChanges::new(notices.clone());
    let sites = Sites::new(database.clone(), clock.clone(), None, pages.clone());
    let comments = Comments::new(
        database.clone(),
        sites.clone(),
        clock.clone(),
        secret,
        Arc::new(Limits::new(RateLimit::Off)),
        Changes::new(notices, pages),
    );
    (sites, comments)
}

/// Does this while the instances' writers take submissions in.
pub(crate) async fn with_writers<T>(instances: &[Comments], work: impl Future<Output = T>) -> T {
    let writers = instances
        .iter()
        .flat_map(|comments| std::iter::repeat_n(comments, WRITERS))
        .map(Comments::write_submissions);
    tokio::select! {
        done = work => done,
        _ = join_all(writers) => panic!("a writer ended"),
    }
}
