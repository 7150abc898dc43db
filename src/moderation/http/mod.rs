//! The admin API of comments: list, show, decide, also by batches, lend, note; figures, events and jobs. Translates only.

pub mod authors;
pub mod batches;
pub mod claims;
pub mod decide;
pub mod decide_many;
pub mod delete;
pub mod edit;
pub mod events;
mod filter;
pub mod jobs;
pub mod list;
pub mod log;
pub mod merge_pages;
pub mod notes;
pub mod persons;
pub mod replies;
pub mod show;
pub mod summary;
mod wire;

#[cfg(test)]
mod tests {
    use utoipa::OpenApi;

    #[derive(OpenApi)]
    #[openapi(paths(
        super::list::list,
        super::show::show,
        super::decide::approve,
        super::decide::reject,
        super::decide::spam,
        super::decide::restore,
        super::decide_many::decide_many,
        super::edit::edit,
        super::delete::delete,
        super::replies::reply,
        super::claims::claim,
        super::claims::give_back,
        super::authors::show,
        super::notes::list_for_comment,
        super::notes::list_for_author,
        super::notes::note_comment,
        super::notes::note_author,
        super::notes::delete,
    ))]
    struct Document;

    fn references<'a>(value: &'a serde_json::Value, found: &mut Vec<&'a str>) {
        match value {
            serde_json::Value::Object(members) => {
                found.extend(members.get("$ref").and_then(|name| name.as_str()));
                for member in members.values() {
                    references(member, found);
                }
            }
            serde_json::Value::Array(items) => {
                for item in items {
                    references(item, found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn the_document_has_every_operation_and_every_schema_it_names() {
        let document = serde_json::to_value(Document::openapi()).unwrap();
        assert_eq!(document["paths"].as_object().unwrap().len(), 13);
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for name in found {
            assert!(
                document.pointer(name.trim_start_matches('#')).is_some(),
                "{name}"
            );
        }
        let comment = &document["components"]["schemas"]["AdminComment"];
        for field in [
            "id",
            "status",
            "version",
            "email",
            "page",
            "parent",
            "site",
            "decided_by",
        ] {
            assert!(comment["properties"].get(field).is_some(), "{field}");
        }
    }
}
