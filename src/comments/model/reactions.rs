//! What readers do with published comments: vote on them, report them; and the signals that moderators see. Must not know
//! HTTP or SQL.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::base::complaint::{Complaint, ComplaintCode};
use crate::base::ids::ReportId;
use crate::base::text::ReportNote;

/// What a reader thinks of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// It is worth reading.
    For,
    /// It isn't.
    Against,
}

impl Vote {
    /// By how much it moves the score.
    pub const fn value(self) -> i16 {
        match self {
            Self::For => 1,
            Self::Against => -1,
        }
    }

    /// Reads the number of a request.
    pub fn parse(value: i32) -> Result<Self, Complaint> {
        match value {
            1 => Ok(Self::For),
            -1 => Ok(Self::Against),
            _ => Err(Complaint::new(
                ComplaintCode::InvalidValue,
                "must be 1 or -1",
            )),
        }
    }
}

/// Why a reader reports a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// Advertising.
    Spam,
    /// It attacks somebody.
    Abuse,
    /// It is against the law.
    Illegal,
    /// It has nothing to do with the page.
    OffTopic,
    /// What the note says.
    Other,
}

impl ReportReason {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::Spam,
        Self::Abuse,
        Self::Illegal,
        Self::OffTopic,
        Self::Other,
    ];

    /// The reason as it is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Abuse => "abuse",
            Self::Illegal => "illegal",
            Self::OffTopic => "off_topic",
            Self::Other => "other",
        }
    }

    /// Reads the word of a request.
    pub fn parse(word: &str) -> Result<Self, Complaint> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .ok_or_else(|| {
                Complaint::new(
                    ComplaintCode::InvalidValue,
                    "must be one of spam, abuse, illegal, off_topic, other",
                )
            })
    }
}

/// What a reader says against a comment.
#[derive(Debug, Clone)]
pub struct Grievance {
    /// Why.
    pub reason: ReportReason,
    /// In the reader's words.
    pub note: Option<ReportNote>,
}

/// A report as moderators see it; nothing tells who made it.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// Why.
    pub reason: ReportReason,
    /// In the reader's words.
    pub note: Option<String>,
    /// When it was made.
    pub at: OffsetDateTime,
    /// When a moderator decided about the comment; none while it is open.
    pub settled_at: Option<OffsetDateTime>,
}

/// What sort of thing speaks about a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalCode {
    /// Readers have reported it, and nobody has decided about it since.
    Reported,
}

impl SignalCode {
    /// Reads the word of a request.
    pub fn parse(word: &str) -> Result<Self, Complaint> {
        match word {
            "reported" => Ok(Self::Reported),
            _ => Err(Complaint::new(
                ComplaintCode::InvalidValue,
                "must be a signal: reported",
            )),
        }
    }
}

/// Something that speaks about a comment, for whoever judges it.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// What sort.
    pub code: SignalCode,
    /// How much it speaks against the comment; for reports, how many there are.
    pub weight: f64,
    /// The part of the comment that it is about, if it is about a part.
    pub found: Option<String>,
    /// The same in words, for people.
    pub text: String,
}

impl Signal {
    /// The signal of open reports, by their reasons.
    pub fn of_reports(numbers: BTreeMap<String, i32>) -> Self {
        let total: i32 = numbers.values().sum();
        let mut numbers: Vec<(String, i32)> = numbers.into_iter().collect();
        // The most frequent first; those with the same number stay in the order of the alphabet.
        numbers.sort_by_key(|(_, number)| -number);
        let listed: Vec<String> = numbers
            .iter()
            .map(|(reason, number)| format!("{} ({number})", reason.replace('_', " ")))
            .collect();
        let readers = if total == 1 { "reader" } else { "readers" };
        Self {
            code: SignalCode::Reported,
            weight: f64::from(total),
            found: None,
            text: format!("{total} {readers} reported it: {}", listed.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_read_strictly() {
        for reason in ReportReason::ALL {
            assert_eq!(ReportReason::parse(reason.as_str()), Ok(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        assert!(ReportReason::parse("Spam").is_err() && ReportReason::parse("").is_err());
        for vote in [Vote::For, Vote::Against] {
            assert_eq!(Vote::parse(vote.value().into()), Ok(vote));
        }
        assert!([0, 2, -2].map(Vote::parse).iter().all(Result::is_err));
    }

    #[test]
    fn reports_are_told_by_number() {
        let told = |numbers: &[(&str, i32)]| {
            let numbers = numbers.iter().map(|(word, n)| ((*word).to_owned(), *n));
            Signal::of_reports(numbers.collect()).text
        };
        assert_eq!(told(&[("spam", 1)]), "1 reader reported it: spam (1)");
        assert_eq!(
            told(&[("spam", 1), ("abuse", 1), ("off_topic", 3)]),
            "5 readers reported it: off topic (3), abuse (1), spam (1)"
        );
    }
}
