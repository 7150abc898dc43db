"""What schemathesis can't know: tokens that may be thrown away, refusals whose reason no schema can tell, and what a
run has covered. scripts/fuzz says the rest in the environment."""

import atexit
import collections
import json
import os

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
# `invalid_value` where it isn't about a bound or one of a few words.
FIELDS_BEYOND_SCHEMAS = {
    ("POST /api/v1/admin/me/totp", "code"),  # the right one is known to a secret and a clock
    ("POST /api/v1/admin/me/totp", "password"),
    ("DELETE /api/v1/admin/me/totp", "password"),
    ("POST /api/v1/setup", "token"),
    ("POST /api/v1/admin/tokens", "expires_at"),  # it has to be in the future
    ("PATCH /api/v1/admin/tokens/{id}", "expires_at"),
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
    if problem["code"] == "invalid_cursor":
        return True  # Opaque: made by the service alone.
    if case.operation.label == "GET /api/v1/comments" and not names_one_page(case.query or {}):
        return True  # Which parameters go together no document can say.
    errors = problem.get("errors", [])
    return bool(errors) and all(is_beyond_schemas(case, error) for error in errors)


def names_one_page(query):
    return ("page_url" in query) != ("page_key" in query and "site" in query)


def fits_a_form(body):
    """A form has text only: null arrives as an empty field, a list as a field that stands several times."""
    return isinstance(body, dict) and all(isinstance(value, str) for value in body.values())


def is_beyond_schemas(case, error):
    code, field = error["code"], error["field"]
    if code == "required" and isinstance(case.body, dict):
        # White space alone counts as nothing; a missing or empty value is the schema's business.
        return isinstance(sent := case.body.get(field), str) and sent != ""
    return code in BEYOND_SCHEMAS or (case.operation.label, field) in FIELDS_BEYOND_SCHEMAS


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keeps a failure, unless valid data was refused for what the schema can't tell, or a form couldn't tell it."""
    kind = type(failure).__name__
    if kind in ("RejectedPositiveData", "AcceptedNegativeData") and case.media_type == FORM and not fits_a_form(case.body):
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
