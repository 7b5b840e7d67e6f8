//! Who is asking: bearer tokens. What is not proven is refused.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Actor, user::Role};

use crate::{App, Problem, Viewer};

impl Viewer {
    /// Whom a token stands for: the administrator token, or an API key that was not revoked and whose person, if it
    /// stands for one, was not deactivated.
    pub fn of_token(app: &App, token: &str) -> Option<Self> {
        if app.settings.admin_token.as_ref().is_some_and(|admin| admin.matches(token)) {
            return Some(Self { actor: Actor::Administrator, role: Role::Administrator, user: None });
        }
        let directory = app.directory.now();
        let (id, key) = directory.api_key(token)?;
        let actor = match key.user {
            Some(user) if directory.users.get(&user).is_some_and(|user| user.is_active()) => {
                Actor::User { id: user }
            }
            Some(_) => return None,
            None => Actor::ApiKey { id },
        };
        Some(Self { actor, role: key.role, user: key.user })
    }
}

/// The token in `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

/// Lets a request through with its [`Viewer`] among its extensions, and no other request.
pub(crate) async fn require_viewer(State(app): State<App>, request: Request, next: Next) -> Response {
    match admitted(&app, request) {
        Ok(request) => next.run(request).await,
        Err(refusal) => *refusal,
    }
}

/// The same, except for the opening of a socket, for which browsers send no token: it is to introduce itself before it
/// asks for anything. Only for routes that see to that.
pub(crate) async fn require_viewer_or_introduction(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    if bearer(request.headers()).is_none() && opens_socket(&request) {
        return next.run(request).await;
    }
    require_viewer(State(app), request, next).await
}

fn admitted(app: &App, mut request: Request) -> Result<Request, Box<Response>> {
    let refused = |detail, challenge| Err(Box::new(refused(detail, challenge)));
    let Some(token) = bearer(request.headers()) else {
        return refused("send `Authorization: Bearer <token>`", "Bearer");
    };
    let Some(viewer) = Viewer::of_token(app, token) else {
        return refused("the token is not known or was revoked", "Bearer error=\"invalid_token\"");
    };
    request.extensions_mut().insert(viewer);
    Ok(request)
}

fn opens_socket(request: &Request) -> bool {
    let protocol = request.headers().get(header::UPGRADE);
    request.method() == Method::GET
        && protocol.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn refused(detail: &str, challenge: &'static str) -> Response {
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_a_bearer_header_only() {
        let token = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer  abc ").as_deref(), Some("abc"));
        for wrong in ["abc", "Basic abc", "Bearer", "Bearer ", ""] {
            assert_eq!(token(wrong), None, "{wrong}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
