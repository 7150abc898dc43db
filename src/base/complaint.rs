//! What is wrong with one input value: a stable code and a sentence. Must not know HTTP, and never holds the value.

use std::borrow::Cow;

/// The stable codes of field errors (`errors[].code` in a problem document). Add, never rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ComplaintCode {
    /// The field is missing, null or empty.
    Required,
    /// More Unicode scalar values (or octets, where the message says so) than allowed.
    TooLong,
    /// Fewer than needed.
    TooShort,
    /// Another JSON type than the field has.
    InvalidType,
    /// A character that no such text can hold: NUL, other controls, direction overrides.
    InvalidCharacters,
    /// Nothing that a reader could see.
    Invisible,
    /// Not an e-mail address that a comment can carry.
    InvalidEmail,
    /// Not an absolute http or https URL without user information.
    InvalidUrl,
    /// Not one of the values that the field may have.
    InvalidValue,
    /// The page's address belongs to no site of this service.
    UnknownSite,
    /// No reason of this code exists.
    UnknownReason,
    /// The field is not one that this operation knows.
    UnknownField,
    /// More items than allowed.
    TooMany,
    /// The same item twice.
    Repeated,
    /// The page is known under another key, or has none and can't be made with this one.
    UnknownPageKey,
    /// Not the password of the account.
    WrongPassword,
}

impl ComplaintCode {
    /// Every code, for the page that explains them.
    pub const ALL: [Self; 16] = [
        Self::Required,
        Self::TooLong,
        Self::TooShort,
        Self::InvalidType,
        Self::InvalidCharacters,
        Self::Invisible,
        Self::InvalidEmail,
        Self::InvalidUrl,
        Self::InvalidValue,
        Self::UnknownSite,
        Self::UnknownReason,
        Self::UnknownField,
        Self::TooMany,
        Self::Repeated,
        Self::UnknownPageKey,
        Self::WrongPassword,
    ];

    /// The code as it stands in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::TooLong => "too_long",
            Self::TooShort => "too_short",
            Self::InvalidType => "invalid_type",
            Self::InvalidCharacters => "invalid_characters",
            Self::Invisible => "invisible",
            Self::InvalidEmail => "invalid_email",
            Self::InvalidUrl => "invalid_url",
            Self::InvalidValue => "invalid_value",
            Self::UnknownSite => "unknown_site",
            Self::UnknownReason => "unknown_reason",
            Self::UnknownField => "unknown_field",
            Self::TooMany => "too_many",
            Self::Repeated => "repeated",
            Self::UnknownPageKey => "unknown_page_key",
            Self::WrongPassword => "wrong_password",
        }
    }
}

/// One thing wrong with one value, in words that say what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What a program reads.
    pub code: ComplaintCode,
    /// What a person reads: lower case, no full stop, never the value itself.
    pub message: Cow<'static, str>,
}

impl Complaint {
    /// A complaint with a fixed or made sentence.
    pub fn new(code: ComplaintCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
