//! The operations of a document, as the rules that complete it look at them. Must not know the rules.

use serde_json::{Map, Value};

/// One operation, to be looked at and completed.
pub(super) struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    members: &'a mut Map<String, Value>,
}

/// Does something with every operation.
pub(super) fn each(document: &mut Value, mut act: impl FnMut(&mut Operation<'_>)) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(members) = operation.as_object_mut() {
                act(&mut Operation {
                    path,
                    method,
                    members,
                });
            }
        }
    }
}

impl Operation<'_> {
    /// Whether it belongs to the API proper, which asks the database and has limits.
    pub(super) fn is_api(&self) -> bool {
        self.path.starts_with("/api/v1/")
    }

    /// Whether it takes a session or an API token.
    pub(super) fn is_admin(&self) -> bool {
        let wanted = self.members.get("security").and_then(Value::as_array);
        wanted
            .into_iter()
            .flatten()
            .any(|one| one.get("bearer").is_some())
    }

    /// Whether it changes nothing.
    pub(super) fn is_read(&self) -> bool {
        self.method == "get"
    }

    /// Whether it takes a body.
    pub(super) fn has_body(&self) -> bool {
        self.members.contains_key("requestBody")
    }

    /// Whether fields that it doesn't know are refused: by all but what readers call.
    pub(super) fn is_strict(&self) -> bool {
        let tags = self.members.get("tags").and_then(Value::as_array);
        !tags.into_iter().flatten().any(|tag| tag == "readers")
    }

    /// Its parameters.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &Value> {
        let all = self.members.get("parameters").and_then(Value::as_array);
        all.into_iter().flatten()
    }

    /// Takes a member out, to be put back with [`Self::put`]; nothing where it isn't an object.
    pub(super) fn take(&mut self, member: &str) -> Map<String, Value> {
        match self.members.remove(member) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }

    /// Puts a member in the place of what was there.
    pub(super) fn put(&mut self, member: &str, value: impl Into<Value>) {
        self.members.insert(member.to_owned(), value.into());
    }
}
