//! Errors as problem details (RFC 9457).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::webhooks::translate;

/// What went wrong, for a program and for whoever reads its log.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    /// Whether the same request may succeed later.
    retryable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<translate::Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<String>,
}

impl Problem {
    /// A problem named by a word that stays the same, in words for this case.
    pub fn new(status: StatusCode, slug: &str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("urn:midwatch:problem:{slug}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            retryable: status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
            errors: vec![],
            delivery: None,
        }
    }

    /// Nothing is here.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this path")
    }

    /// Come back later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// Names each place that is wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<translate::Problem>) -> Self {
        self.errors = errors;
        self
    }

    /// Says under which id the message was kept all the same.
    #[must_use]
    pub fn kept_as(mut self, delivery: domain::DeliveryId) -> Self {
        self.delivery = Some(delivery.to_string());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
