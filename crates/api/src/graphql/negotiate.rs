//! Which of its two media types a GraphQL answer has, and what follows from that for its status
//! (GraphQL over HTTP, sections 4 and 6).

use async_graphql::Response as Answer;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: every well-formed request is answered with 200.
    Json,
    /// `application/graphql-response+json`: a request that was not executed is answered with 400.
    GraphQl,
}

impl Media {
    /// What the client prefers; none if it accepts neither.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut ranges =
            headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
        if ranges.peek().is_none() {
            return Some(Self::Json);
        }
        let mut best: Option<(Self, f32)> = None;
        for range in ranges.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => Self::GraphQl,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            if quality > 0.0 && best.is_none_or(|(_, least)| quality > least) {
                best = Some((media, quality));
            }
        }
        best.map(|(media, _)| media)
    }

    const fn content_type(self) -> HeaderValue {
        match self {
            Self::Json => HeaderValue::from_static("application/json; charset=utf-8"),
            Self::GraphQl => HeaderValue::from_static("application/graphql-response+json; charset=utf-8"),
        }
    }

    /// The HTTP answer to what was asked in a well-formed way.
    pub(super) fn answer(self, answer: &Answer) -> Response {
        if !was_executed(answer) {
            let status = match self {
                Self::Json => StatusCode::OK,
                Self::GraphQl => StatusCode::BAD_REQUEST,
            };
            return self.body(status, &Refusal { errors: &answer.errors });
        }
        self.body(StatusCode::OK, answer)
    }

    /// An HTTP answer that refuses a request before it is understood.
    pub(super) fn refuse(self, status: StatusCode, code: &str, message: &str) -> Response {
        let error = serde_json::json!({ "message": message, "extensions": { "code": code } });
        self.body(status, &Refusal { errors: &[error] })
    }

    fn body(self, status: StatusCode, body: &impl Serialize) -> Response {
        match serde_json::to_vec(body) {
            Ok(bytes) => (status, [(header::CONTENT_TYPE, self.content_type())], bytes).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// An answer without data.
#[derive(Serialize)]
struct Refusal<'a, E> {
    errors: &'a [E],
}

/// Whether execution began: errors of a document or its variables belong to no field.
pub(super) fn was_executed(answer: &Answer) -> bool {
    answer.errors.is_empty()
        || answer.data != async_graphql::Value::Null
        || answer.errors.iter().any(|error| !error.path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &'static str) -> Option<Media> {
        Media::accepted(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
    }

    #[test]
    fn the_client_chooses_the_media_type() {
        assert_eq!(Media::accepted(&HeaderMap::new()), Some(Media::Json));
        assert_eq!(accepted("*/*"), Some(Media::Json));
        assert_eq!(accepted("application/graphql-response+json, application/json"), Some(Media::GraphQl));
        assert_eq!(accepted("application/graphql-response+json;q=0.5, application/json"), Some(Media::Json));
        assert_eq!(accepted("text/html"), None);
        assert_eq!(accepted("application/json;q=0"), None);
    }
}
