//! A statement's plan as Postgres tells it. Must not know what is right about it.

use serde_json::Value;
use sqlx::{PgConnection, Row};

use crate::support::Logged;

pub(super) fn walk(plan: &Value, look: &mut impl FnMut(&Value)) {
    look(plan);
    for inner in plan["Plans"].as_array().into_iter().flatten() {
        walk(inner, look);
    }
}

pub(super) async fn explain(connection: &mut PgConnection, logged: &Logged) -> Value {
    let values = if logged.values.is_empty() {
        String::new()
    } else {
        format!("({})", logged.values.join(", "))
    };
    for statement in [
        "deallocate all".to_owned(),
        format!("prepare asked as {}", logged.statement),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    let row = sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "explain (analyze, timing off, format json) execute asked{values}"
    )))
    .fetch_one(connection)
    .await
    .unwrap();
    let plan: Value = row.get(0);
    plan[0]["Plan"].clone()
}
