"""What schemathesis can't know: tokens that may be thrown away, refusals whose reason no schema can tell, and what a
run has covered. scripts/fuzz says the rest in the environment."""

import atexit
import collections
import json
import os
import re
import unicodedata

import schemathesis

FORM = "application/x-www-form-urlencoded"

# Complaints about what a schema has no words for. All others (`required`, `too_long`, `invalid_type`, `unknown_field`,
# `too_many`, `repeated`, …) say that the document promises more than the service takes, and fail the run.
BEYOND_SCHEMAS = {
    "invalid_characters": "which characters a text may have is a matter of Unicode's classes",
    "invisible": "so is whether one sees anything of it",
    "invalid_email": "the format `email` allows quoted parts, literals and longer parts",
    "invalid_url": "the format `uri` allows other schemes, user information and hosts that don't exist",
    "unknown_site": "which sites there are is data",
    "unknown_reason": "which reasons there are is data",
    "unknown_page_key": "which keys there are is data",
    "wrong_password": "so is whose password it is",
}
# Other complaints that are about more than one member's schema can tell.
FIELDS_BEYOND_SCHEMAS = {
    ("POST /api/v1/admin/me/totp", "code", "invalid_value"),  # the right one is known to a secret and a clock
    ("POST /api/v1/admin/me/totp", "password", "required"),  # one of the two
    ("POST /api/v1/admin/me/totp", "password", "invalid_value"),  # whose password it is, is data
    ("DELETE /api/v1/admin/me/totp", "password", "invalid_value"),
    ("PATCH /api/v1/admin/comments/{id}", "body", "required"),  # one of the three
    ("POST /api/v1/admin/tokens", "expires_at", "invalid_value"),  # it has to be in the future
    ("PATCH /api/v1/admin/tokens/{id}", "expires_at", "invalid_value"),
    ("POST /api/v1/admin/tokens", "scopes[]", "invalid_value"),  # only what the maker may do
    ("POST /api/v1/admin/moderators", "sites", "invalid_value"),  # an owner sees all
    ("PATCH /api/v1/admin/moderators/{id}", "sites", "invalid_value"),
    ("POST /api/v1/admin/decisions", "decisions[].id", "repeated"),  # the entries may differ otherwise
    ("POST /api/v1/admin/sites", "origins[]", "repeated"),  # the same in their normal form
    ("PATCH /api/v1/admin/sites/{id}", "origins[]", "repeated"),
    ("POST /api/v1/admin/pages/{id}/merge", "into", "invalid_value"),  # another page of the same site
}
# The same for refusals of queries, which have words only.
QUERIES_BEYOND_SCHEMAS = {
    "name the page by either page_url, or page_key and site",
    "the parameter site is missing",  # where `page_key` is there
    "cursor and around exclude each other",
    "of page_url, page_key and wordpress_id only one can be given",
    "page_url is not an absolute http or https address",
    "page_key can't be a page's key",
    "a url is not an absolute http or https address",
    "the parameter page_url is not right",
    "the parameter page_key is not right",
}
# A longer address is no HTTP to the parser, which answers a bare 400, or 431 where the head is as large, as the document says.
ADDRESS_BYTES_MAX = 65_534
# Refusals of the whole for what is data.
CODES_BEYOND_SCHEMAS = {
    "invalid_cursor",  # opaque: made by the service alone
    "idempotency_key_reused",
}


@schemathesis.auth()
class ThrowAwayTokens:
    """A token until it is answered 401, then the next: operations that end sessions are asked like all others. Signing
    in again won't do, since wrong passwords for the account, which the run sends too, make it wait."""

    tokens = json.loads(os.environ["FUZZ_TOKENS"])

    def get(self, case, context):
        return self.tokens.pop() if self.tokens else None

    def set(self, case, token, context):
        if context.operation.definition.raw.get("security"):
            case.headers["Authorization"] = f"Bearer {token}"


if not ThrowAwayTokens.tokens:
    schemathesis.auths.unregister()

ourselves = set(json.loads(os.environ["FUZZ_OURSELVES"]))


@schemathesis.hook("filter_path_parameters").apply_to(
    method=["PATCH", "DELETE", "POST"], path_regex="^/api/v1/admin/moderators/"
)
def leave_ourselves_alone(context, parameters):
    """Whoever changes the role of the account that asks, or ends it, asks nothing more in this run."""
    return parameters.get("id") not in ourselves


def only_beyond_schemas(case, problem):
    """Whether each complaint is about what the schema can't tell."""
    if problem["code"] in CODES_BEYOND_SCHEMAS or problem.get("detail") in QUERIES_BEYOND_SCHEMAS:
        return True
    if re.match("the parameter (page_url|email) must ", problem.get("detail", "")):
        return True  # As for members: characters, the form of an address, the length of its normal form.
    if problem["code"] == "invalid_query" and r"\x00" in repr(case.query):
        return True  # No address can hold NUL; a pattern on every parameter would say nothing else.
    errors = problem.get("errors", [])
    return bool(errors) and all(is_beyond_schemas(case, error) for error in errors)


def fits_a_form(body):
    """A form has text only: null arrives as an empty field, a list as a field that stands several times."""
    return isinstance(body, dict) and all(isinstance(value, str) for value in body.values())


def is_beyond_schemas(case, error):
    code, field = error["code"], error["field"]
    if code in BEYOND_SCHEMAS or (case.operation.label, re.sub(r"\[\d+\]", "[]", field), code) in FIELDS_BEYOND_SCHEMAS:
        return True
    value = sent(case.body, field)
    if code == "required":
        # White space alone counts as nothing; a missing or empty value is the schema's business.
        return isinstance(value, str) and value != ""
    if code == "too_long" and isinstance(value, str):
        # The normal form counts, of texts and of addresses, and it may be the longer one.
        return "://" in value or len(unicodedata.normalize("NFC", value)) > len(value)
    return False


def sent(body, field):
    """What stands at `decisions[3].note`."""
    for name, place in re.findall(r"([^.\[\]]+)|\[(\d+)\]", field):
        try:
            body = body[name or int(place)]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def is_blank_id(case):
    """Readers' optional fields may be empty, as a form without JavaScript sends them: an id too."""
    return isinstance(case.body, dict) and isinstance(value := case.body.get("parent_id"), str) and not value.strip()


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keeps a failure, unless valid data was refused for what the schema can't tell, or a form couldn't tell it."""
    kind = type(failure).__name__
    if kind in ("RejectedPositiveData", "AcceptedNegativeData") and case.media_type == FORM and not fits_a_form(case.body):
        return False
    if len(response.request.url) > ADDRESS_BYTES_MAX and response.status_code in (400, 431) and not response.content:
        return False
    if kind == "AcceptedNegativeData" and is_blank_id(case):
        return False
    return kind != "RejectedPositiveData" or not only_beyond_schemas(case, response.json())


answers = collections.defaultdict(collections.Counter)


@schemathesis.hook
def after_call(context, case, response):
    answers[case.operation.label][response.status_code] += 1


@atexit.register
def tell():
    with open(os.environ["FUZZ_ANSWERS"], "w") as file:
        json.dump(answers, file)
