//! The page for whoever opens the address in a browser.

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

/// No script, no style from elsewhere, no frame around it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// What this is, and where to go on.
pub(super) fn page(public_url: &str, demo: bool) -> Response {
    let phone =
        if demo { "<p><a href=\"/demo/phone\">Open the demo phone</a> and keep it open.</p>" } else { "" };
    let url = escape(public_url);
    let page = include_str!("landing.html").replace("{url}", &url).replace("{phone}", phone);
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_break_out_of_the_page() {
        assert_eq!(escape("https://x/\"><script>&"), "https://x/&quot;&gt;&lt;script&gt;&amp;");
    }
}
