//! Bodies of requests, JSON and forms, as an extractor reads them: a struct or a refusal of the documented kinds. Must not
//! know any operation; a submission stands for all, since it has the most fields.
#![no_main]

use actix_web::error::ResponseError;
use actix_web::test::TestRequest;
use actix_web::{FromRequest, HttpRequest};
use libfuzzer_sys::fuzz_target;
use rejoinder::comments::http::wire::SubmitComment;
use rejoinder::web::{ApiError, Strict, Valid};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
}

fuzz_target!(|input: (bool, &[u8])| {
    let (form, body) = input;
    let kind = if form {
        "application/x-www-form-urlencoded"
    } else {
        "application/json"
    };
    check(read::<Valid<SubmitComment>>(kind, body).map(|Valid(body)| body));
    check(read::<Strict<SubmitComment>>(kind, body).map(|Strict(body)| body));
});

fn read<T: FromRequest<Error = ApiError>>(kind: &str, body: &[u8]) -> Result<T, ApiError> {
    let (request, mut payload): (HttpRequest, _) = TestRequest::post()
        .insert_header(("content-type", kind))
        .set_payload(body.to_vec())
        .to_http_parts();
    RUNTIME.with(|runtime| runtime.block_on(T::from_request(&request, &mut payload)))
}

fn check(read: Result<SubmitComment, ApiError>) {
    match read {
        Ok(body) => {
            let name = body.name.expect("a field without which nothing is taken");
            assert!(!name.contains('\0'));
        }
        Err(refusal) => assert!(matches!(
            refusal.status_code().as_u16(),
            400 | 413 | 415 | 422
        )),
    }
}
