//! The stable codes of refusals, their statuses and what they mean. Must not know HTTP types or any module's errors.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use crate::base::complaint::Complaint;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal, $cure:literal;)+) => {
        /// Why a request was refused. The text of a code is for ever: add, never rename.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// Every code, in the order of the pages under `/problems/`.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code as it stands in answers and in the path of its page.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status (RFC 9110) that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// A short name of the problem, the same each time.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }

            /// What it means and what to do, for the page that explains it.
            pub const fn cure(self) -> &'static str {
                match self { $(Self::$variant => $cure,)+ }
            }
        }
    };
}

codes! {
    /// At least one field is wrong; `errors` has them all.
    ValidationFailed = "validation_failed", 422, "Some fields are not right",
        "Each entry of \"errors\" names a field, a code and what to do. Correct them all and send the request again.";
    /// A member that an operation for moderators does not know.
    UnknownField = "unknown_field", 422, "A field is not known here",
        "Operations for moderators take no fields but their own, so that a misspelt one cannot pass unseen. Remove or rename the field named in \"errors\".";
    /// The body is not what its content type says.
    MalformedBody = "malformed_body", 400, "The body can't be read",
        "Send one JSON object (RFC 8259) in UTF-8 without repeated keys, or a form body with correct percent-encoding.";
    /// The query string or the path can't be understood.
    InvalidQuery = "invalid_query", 400, "The address can't be read",
        "A parameter is missing, repeated, malformed or not known to this operation; \"detail\" names it.";
    /// A cursor that this list did not hand out.
    InvalidCursor = "invalid_cursor", 400, "The cursor is not one of this list",
        "Use \"next_cursor\" of an earlier answer as it stands, with the same order; or leave it out to begin again.";
    /// An Idempotency-Key out of bounds.
    InvalidIdempotencyKey = "invalid_idempotency_key", 400, "The Idempotency-Key can't be used",
        "A key has 1 to 128 visible ASCII characters; a UUID does well.";
    /// The body was larger than 160 KiB.
    BodyTooLarge = "body_too_large", 413, "The body is too large",
        "A body has at most 160 KiB. Shorten it.";
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout", 408, "The body took too long",
        "A body has to arrive whole within 10 seconds. Try again on a better connection.";
    /// Another content type or a compressed body.
    UnsupportedMediaType = "unsupported_media_type", 415, "The kind of body is not taken here",
        "Send application/json (or, where the operation says so, application/x-www-form-urlencoded) in UTF-8 without Content-Encoding.";
    /// Nothing stands at this path.
    NotFound = "not_found", 404, "Nothing stands here",
        "Nothing answers at this address. Compare it with the paths of the API's description at /docs; a trailing slash counts.";
    /// The path is there, the method isn't.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here",
        "The header Allow names the methods of this address.";
    /// No site has this page's origin, or this slug.
    UnknownSite = "unknown_site", 404, "No such site",
        "The page's origin, or the site's slug, belongs to no site of this service. The operator adds origins with REJOINDER_SITE_ORIGINS.";
    /// The same, for the page of a submission.
    UnknownSiteSubmitted = "unknown_site", 422, "No such site",
        "The page's origin, or the site's slug, belongs to no site of this service. The operator adds origins with REJOINDER_SITE_ORIGINS.";
    /// The request comes from a web page of another origin.
    OriginNotAllowed = "origin_not_allowed", 403, "Not from this web page",
        "The request's Origin belongs to no site of this service, so its pages may read but not write. The operator adds a site's origins with REJOINDER_SITE_ORIGINS or PATCH /api/v1/admin/sites/{id}; a program that is no web page sends no Origin.";
    /// The site takes comments under registered pages only.
    PageNotRegistered = "page_not_registered", 404, "The page is not registered",
        "This site takes comments under pages that its staff have registered, and this isn't one. Compare the address with the one that is registered, or have it registered with POST /api/v1/admin/pages.";
    /// The page takes no comments (any more).
    CommentsClosed = "comments_closed", 403, "Comments are closed",
        "This page takes no comments, or no longer: a moderator closed it, or it is older than the site's policy allows. What was sent is not kept. \"comments_open\" of the page in GET /api/v1/comments says so beforehand, so that a form need not be shown.";
    /// No published comment of that page has this id.
    ParentNotFound = "parent_not_found", 404, "The comment to answer isn't there",
        "An answer needs a published comment of the same page, and \"parent_id\" names none. It may have been taken back meanwhile: load the page's comments again, or send the comment without \"parent_id\".";
    /// No comment that the caller may see has this id.
    CommentNotFound = "comment_not_found", 404, "No such comment",
        "There is no comment of this id that you may see: it was never published, has been taken back, or belongs to another site; or the manage token is not its own. Load the list again, and drop the comment where it is no longer there.";
    /// The same page, address and text within 24 hours.
    DuplicateComment = "duplicate_comment", 409, "This was already said",
        "The same text from the same e-mail address under the same page was taken within the last 24 hours. That one counts, so there is nothing to do; to say it again on purpose, change the text.";
    /// What an author does to a comment needs its manage token.
    ManageTokenRequired = "manage_token_required", 401, "The manage token is missing",
        "Send \"manage_token\" from the answer to the submission as \"Authorization: Bearer …\".";
    /// The author's time to edit is over.
    EditWindowOver = "edit_window_over", 403, "The time to edit is over",
        "A comment can be edited until \"editable_until\". After that it can only be withdrawn.";
    /// The author can't edit what was refused.
    CommentNotEditable = "comment_not_editable", 409, "The comment can't be edited",
        "Only a comment that waits or is published can be edited; this one was rejected. It can be withdrawn.";
    /// The key was used for other content.
    IdempotencyKeyReused = "idempotency_key_reused", 422, "The Idempotency-Key belongs to another submission",
        "Within 24 hours a key stands for one submission. Use a new key for new content.";
    /// Too many of these in too short a time.
    RateLimited = "rate_limited", 429, "Too many requests",
        "Each client's network, and each token of a moderator, may do so much a minute. Wait as many seconds as Retry-After says, then go on more slowly.";
    /// No token, or none that is good.
    Unauthenticated = "unauthenticated", 401, "Sign in first",
        "No token came, or one that is wrong, expired or revoked. Send that of a session as \"Authorization: Bearer …\" (POST /api/v1/admin/sessions makes one), or an API token.";
    /// E-mail address and password don't go together.
    InvalidCredentials = "invalid_credentials", 401, "The sign-in failed",
        "E-mail address or password are wrong, or the account is disabled; which, is not said. Try again, or have somebody who manages the accounts make a set-up link for a new password.";
    /// Signed in, but not for this.
    Forbidden = "forbidden", 403, "Not with this role",
        "The role of the account, or the scopes of the token, don't allow this operation. Its description in /docs names the least role and the scope; some need a session, whatever the token. An owner can change the role, and a token with other scopes can be made.";
    /// Somebody else decided first.
    VersionConflict = "version_conflict", 409, "The comment has changed meanwhile",
        "The member \"comment\" shows it as it is now. Look at it and decide again with its version.";
    /// Deleted is final.
    CommentDeleted = "comment_deleted", 409, "The comment is deleted",
        "Its content is gone for good, so there is nothing left to decide or to edit. Take it off your list.";
    /// The password is right, and the account has a second factor.
    TotpRequired = "totp_required", 401, "The second factor is missing",
        "Send the six digits of the authenticator app, or a recovery code, as \"totp\" with the same address and password.";
    /// The second factor is on; it can't be set up again meanwhile.
    TotpAlreadyOn = "totp_already_on", 409, "The second factor is on already",
        "Turn it off first: DELETE /api/v1/admin/me/totp with the password.";
    /// A code was sent, but no key had been handed out.
    TotpNotBegun = "totp_not_begun", 409, "No second factor was begun",
        "Send {\"password\": …} first, put the secret of the answer into an authenticator app, then send a code of it.";
    /// A request with the desk's cookie that doesn't come from our own pages.
    NotSameOrigin = "not_same_origin", 403, "Not from this web page",
        "A request with the cookie of the desk is taken from the desk's own pages only, so that another page can't act in your name. Programs send a token in \"Authorization\" instead, and no cookie.";
    /// A set-up link that is unknown, used or too old.
    SetupLinkNotFound = "setup_link_not_found", 404, "The link is not good any more",
        "A set-up link is good once and for a limited time. Ask whoever sent it for a new one.";
    /// No such account.
    ModeratorNotFound = "moderator_not_found", 404, "No such moderator",
        "There is no account of this id that you may see. GET /api/v1/admin/moderators lists those that there are.";
    /// The address belongs to another account.
    ModeratorExists = "moderator_exists", 409, "The address is taken",
        "Another account has this e-mail address; change that account instead.";
    /// Nobody can sign in to the account.
    ModeratorDisabled = "moderator_disabled", 409, "The account is disabled",
        "A disabled account takes no password. Enable it first.";
    /// Somebody has to be an owner.
    LastOwner = "last_owner", 409, "The last owner can't go",
        "Somebody who can sign in has to be an owner. Make somebody else one first, and let them set their password.";
    /// No such session.
    SessionNotFound = "session_not_found", 404, "No such session",
        "It has ended, or it belongs to somebody else: there is nothing left to end. GET /api/v1/admin/sessions lists those that last.";
    /// No such API token.
    TokenNotFound = "token_not_found", 404, "No such token",
        "It was revoked, or it belongs to somebody whose tokens you may not see. GET /api/v1/admin/tokens lists those that there are.";
    /// As many API tokens as one person may have.
    TooManyTokens = "too_many_tokens", 409, "Too many tokens",
        "One person has at most 100 API tokens, expired ones included. Revoke one that is not needed any more.";
    /// No such site.
    SiteNotFound = "site_not_found", 404, "No such site",
        "There is no site of this id that you may see. GET /api/v1/admin/sites lists those that there are; paths take the id, not the slug.";
    /// The slug or an origin belongs to another site.
    SiteExists = "site_exists", 409, "The slug or an origin is taken",
        "Another site has this slug or one of these origins; \"detail\" says which. Choose another one, or take it from that site first.";
    /// Only a site without comments can be deleted.
    SiteNotEmpty = "site_not_empty", 409, "The site is in use",
        "A site with pages can't be deleted, and the last site can't either. Merge or delete its pages first.";
    /// No such page.
    PageNotFound = "page_not_found", 404, "No such page",
        "There is no page of this id that you may see. GET /api/v1/admin/pages?page_url=… finds it by its address.";
    /// Address, key or WordPress id belong to another page.
    PageExists = "page_exists", 409, "The page is there already",
        "Another page of the site has this address, key or WordPress id; \"detail\" says which. Change that page instead, or merge the two.";
    /// Only a page without comments can be deleted.
    PageNotEmpty = "page_not_empty", 409, "The page has comments",
        "A page with comments can't be deleted; close it, or merge it into another.";
    /// The page was merged into another.
    PageMerged = "page_merged", 409, "The page was merged into another",
        "Its comments and addresses belong to the page named in \"merged_into\"; change that one instead.";
    /// No such reason.
    ReasonNotFound = "reason_not_found", 404, "No such reason",
        "There is no reason of this id that you may see. GET /api/v1/admin/reasons lists those that there are; paths take the id, not the code.";
    /// The site has a reason of this code.
    ReasonExists = "reason_exists", 409, "The reason is there already",
        "The site has a reason of this code; change its text instead.";
    /// No such author.
    AuthorNotFound = "author_not_found", 404, "No such author",
        "Nobody of this id has written on a site that you may see, or nothing of theirs is left. \"author_id\" of a comment is a current one.";
    /// No such note.
    NoteNotFound = "note_not_found", 404, "No such note",
        "There is no note of this id that you may change: it was deleted, or somebody else wrote it and only an admin may delete it.";
    /// The answered comment isn't public.
    ParentNotApproved = "parent_not_approved", 409, "The answered comment is not published",
        "An answer is published at once, so the comment that it answers has to be. Approve that first, or send \"approve_parent\": true to do both.";
    /// No such batch.
    BatchNotFound = "batch_not_found", 404, "No such batch",
        "There is no batch of this id that you may see. GET /api/v1/admin/batches lists those that there are.";
    /// The filter doesn't take as many comments as the moderator was shown.
    CountChanged = "count_changed", 409, "Other comments match by now",
        "There is another number of comments than \"expected_count\". Count again, look, and send the new number.";
    /// More comments than one batch may have.
    BatchTooLarge = "batch_too_large", 422, "Too many comments for one batch",
        "A batch has at most 100,000 comments. Narrow the filter, by dates for example, and make several.";
    /// The batch is at work.
    BatchRunning = "batch_running", 409, "The batch is still at work",
        "It has to come to its end before it can be undone. Wait until its \"state\" is \"done\", and ask again.";
    /// No such erasure.
    ErasureNotFound = "erasure_not_found", 404, "No such erasure",
        "There is no erasure of this id that goes over your sites only.";
    /// No such job.
    JobNotFound = "job_not_found", 404, "No such job",
        "There is no job of this id that was given up: it was retried or dropped already. GET /api/v1/admin/jobs lists those that wait for somebody.";
    /// The database can't be reached, or is too slow.
    Unavailable = "unavailable", 503, "Not available at the moment",
        "Try again after as many seconds as Retry-After says. After a submission the outcome may be unknown: send it again with the same Idempotency-Key.";
    /// Our mistake.
    InternalError = "internal_error", 500, "Something went wrong here",
        "It is our mistake, and logged under the request id in the answer; please tell the operator of the site that id. Trying again may help once; what was sent may or may not have been done.";
}

/// A reason to refuse, as every module's `Error` gives it.
pub trait Refusal: Error + Send + Sync + 'static {
    /// The stable code.
    fn code(&self) -> Code;

    /// What is wrong here and now; never a value that was sent.
    fn detail(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.code().title())
    }

    /// The fields that are wrong, if it is about fields.
    fn complaints(&self) -> Vec<(String, Complaint)> {
        Vec::new()
    }

    /// When to come back, if that helps.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}
