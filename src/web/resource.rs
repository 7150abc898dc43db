//! A path with its methods, so that any other method is 405 with `Allow`. Must not know the paths.

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, Handler, Resource, Responder, guard, web};

use super::problem::ApiError;
use crate::base::codes::Code;

/// A path and what may be done with it.
pub struct Endpoint {
    resource: Resource,
    methods: Vec<&'static str>,
}

/// Begins an endpoint at this path.
pub fn at(path: &str) -> Endpoint {
    Endpoint {
        resource: web::resource(path.to_owned()),
        methods: Vec::new(),
    }
}

impl Endpoint {
    /// Answers GET, and HEAD like it without the body (RFC 9110, 9.3.2).
    #[must_use]
    pub fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let both = guard::Any(guard::Get()).or(guard::Head());
        self.resource = self.resource.route(web::route().guard(both).to(handler));
        self.methods.extend(["GET", "HEAD"]);
        self
    }

    /// Answers POST.
    #[must_use]
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, "POST", handler)
    }

    /// Answers PUT.
    #[must_use]
    pub fn put<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::PUT, "PUT", handler)
    }

    /// Answers PATCH.
    #[must_use]
    pub fn patch<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::PATCH, "PATCH", handler)
    }

    /// Answers DELETE.
    #[must_use]
    pub fn delete<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::DELETE, "DELETE", handler)
    }

    fn on<F, Args>(mut self, method: Method, name: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.resource = self.resource.route(web::method(method).to(handler));
        self.methods.push(name);
        self
    }

    /// The service to register: any other method is 405 with the methods that there are.
    pub fn done(self) -> impl HttpServiceFactory + 'static {
        let allow = self.methods.join(", ");
        self.resource.default_service(web::to(move || {
            let allow =
                HeaderValue::from_str(&allow).unwrap_or_else(|_| HeaderValue::from_static("GET"));
            let refusal = ApiError::new(Code::MethodNotAllowed).with_header(header::ALLOW, allow);
            async move { Err::<&'static str, _>(refusal) }
        }))
    }
}
