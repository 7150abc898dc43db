//! What a call of the database is called in figures and spans: the function it is written in, read off the type of its
//! closure, so that no caller has to name it. Must not know what is asked.

use metrics::Label;

/// A call's name. Both parts are names of our own code, so there are as many as there are functions that call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operation {
    /// The module, as `comments`.
    pub(super) module: &'static str,
    /// The function, as `submit`.
    pub(super) name: &'static str,
}

impl Operation {
    /// That of a closure, or of a function that is handed over by its name.
    pub(super) fn of<W>(work: &W) -> Self {
        Self::read(std::any::type_name_of_val(work))
    }

    /// `rejoinder::comments::service::submit::<impl …>::submit::{{closure}}::{{closure}}` is `submit` of `comments`.
    /// The form isn't promised by the compiler; another one would give other names, and nothing worse.
    fn read(path: &'static str) -> Self {
        let mut rest = path;
        while let Some(outer) = rest.strip_suffix("::{{closure}}") {
            rest = outer;
        }
        // The types of a generic function stand behind its name.
        if let Some(open) = rest.ends_with('>').then(|| opening(rest)).flatten() {
            rest = rest.get(..open).unwrap_or(rest);
        }
        Self {
            module: path.split("::").nth(1).unwrap_or("unknown"),
            name: rest.rsplit("::").next().unwrap_or("unknown"),
        }
    }

    /// As figures carry it.
    pub(super) fn labels(self) -> [Label; 2] {
        [
            Label::from_static_parts("module", self.module),
            Label::from_static_parts("operation", self.name),
        ]
    }

    /// Counts that it did not come to an answer, and why.
    pub(super) fn count_error(self, error: &'static str) {
        let [module, name] = self.labels();
        let labels = [module, name, Label::from_static_parts("error", error)];
        metrics::counter!("rejoinder_database_errors_total", labels.iter()).increment(1);
    }
}

/// Where the last angle bracket that closes was opened.
fn opening(path: &str) -> Option<usize> {
    let mut depth = 0_usize;
    path.rmatch_indices(['<', '>']).find_map(|(at, bracket)| {
        if bracket == ">" {
            depth += 1;
            return None;
        }
        depth = depth.saturating_sub(1);
        (depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_after_the_function_it_is_written_in() {
        for (path, module, name) in [
            (
                "rejoinder::comments::service::submit::<impl rejoinder::comments::service::Comments>::submit::{{closure}}::{{closure}}",
                "comments",
                "submit",
            ),
            (
                "rejoinder::jobs::runner::Jobs::observe::{{closure}}::{{closure}}",
                "jobs",
                "observe",
            ),
            ("rejoinder::sites::store::all", "sites", "all"),
            (
                "rejoinder::moderation::service::each<rejoinder::a::B<c::D>, e::F>::{{closure}}",
                "moderation",
                "each",
            ),
        ] {
            assert_eq!(Operation::read(path), Operation { module, name }, "{path}");
        }
    }

    #[test]
    fn the_compiler_writes_paths_so() {
        struct Service;
        impl Service {
            async fn look(&self) -> Operation {
                let work = async || {};
                Operation::of(&work)
            }
        }
        let looked = futures_util::FutureExt::now_or_never(Service.look()).unwrap();
        let expected = Operation {
            module: "database",
            name: "look",
        };
        assert_eq!(looked, expected);
    }
}
