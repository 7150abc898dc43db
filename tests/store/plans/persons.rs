//! How Postgres goes about the export and the erasure of a person. Must not know other lists.

use rejoinder::base::clock::Clock;
use rejoinder::base::email::EmailAddress;
use rejoinder::moderation::Persons;
use rejoinder::moderation::model::persons::Asker;

use super::Plans;
use crate::support::execute;

/// Who wrote ten comments, and who wrote a tenth of all.
const FEW: &str = "a23@example.org";
const MANY: &str = "a0@example.org";
/// Comments of the latter, and some.
const MANY_MAX: f64 = 20_500.0;
/// What one piece looks at: 500 rows, and for each what stands beside it.
const PIECE_MAX: f64 = 4_000.0;
/// Behind all pages, and before comments and notes.
const MIDDLE: &str = "00000000-0000-7000-8000-000000001000";

/// Comments of somebody are found by an index of their own; texts of others are gone over in pieces.
pub(super) async fn check(plans: &mut Plans) {
    let persons = Persons::new(plans.database.clone(), Clock::new(), plans.comments.clone());
    let emails = [FEW, MANY].map(|email| EmailAddress::parse(email).unwrap());
    for email in &emails {
        let author = plans.comments.authors().of(email.key());
        let moved = format!(
            "update notes set author_id = '{author}' where author_id in
                (select author_id from comments where email_key = '{key}');
            update comments set author_id = '{author}' where email_key = '{key}'",
            key = email.key().as_str()
        );
        execute(&plans.test.options, moved).await;
    }
    let counted = "update pages p set comment_count = c.number
        from (select page_id, count(*) as number from comments where status = 'approved' group by page_id) c
        where c.page_id = p.id";
    execute(&plans.test.options, counted.to_owned()).await;
    // One in each of the first pieces of all comments.
    let mentioned = format!(
        "update comments set body = body || ' {FEW} {MANY}'
        where id in (
            select ('01900000-0000-7000-8000-' || lpad((n * 400 + 1)::text, 12, '0'))::uuid from generate_series(1, 20) n
        )"
    );
    execute(&plans.test.options, mentioned).await;
    execute(&plans.test.options, "vacuum analyze".to_owned()).await;
    plans.fresh().await;
    for (email, most) in emails.iter().zip([PIECE_MAX, MANY_MAX]) {
        check_export(plans, &persons, email, most).await;
    }
    // What is written anew goes by keys, and its values have more lines than a line of the log.
    let forgotten = "update comments set body = 'Word' where position('@' in body) > 0";
    execute(&plans.test.options, forgotten.to_owned()).await;
    plans.fresh().await;
    for (email, most) in emails.iter().zip([PIECE_MAX, MANY_MAX]) {
        check_erasure(plans, &persons, email, most).await;
    }
}

async fn check_export(plans: &mut Plans, persons: &Persons, email: &EmailAddress, most: f64) {
    let count = persons.count(&Asker::OPERATOR, email).await.unwrap();
    assert!(count.comments >= 9, "{}", count.comments);
    plans.check_within("a person's count", most, most).await;
    let mut export = persons.export(Asker::OPERATOR, email).await.unwrap();
    let mut mentions = 0;
    // The rest goes over as many comments as there are.
    while mentions < 3 {
        let piece = export.next().await.unwrap().unwrap();
        mentions += piece.matches("\"kind\":\"comment\"").count();
        plans.check_within("a person's export", most, most).await;
    }
}

async fn check_erasure(plans: &mut Plans, persons: &Persons, email: &EmailAddress, most: f64) {
    let count = persons
        .count(&Asker::OPERATOR, email)
        .await
        .unwrap()
        .comments;
    let erasure = persons.begin_erasure(&Asker::OPERATOR, email, count);
    let id = erasure.await.unwrap().id;
    for _ in 0..2 {
        persons.run_erasure(id).await.unwrap();
        plans.check_within("an erasure", most, most).await;
    }
    if most > PIECE_MAX {
        // The rest of their comments goes as the first ones did.
        return;
    }
    for walk in ["comments", "notes", "pages"] {
        let at = format!("update erasures set walk = '{walk}', walked_to = '{MIDDLE}'");
        execute(&plans.test.options, at).await;
        plans.fresh().await;
        persons.run_erasure(id).await.unwrap();
        let what = format!("the walk of an erasure over {walk}");
        plans.check_within(&what, most, most).await;
    }
}
