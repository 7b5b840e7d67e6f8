//! Questions and commands in GraphQL, over HTTP.

use serde_json::{Value, json};

use crate::{
    Outcome,
    http::{self, Connection},
    server,
};

/// A whole request.
pub(crate) fn request(query: &str, variables: &Value) -> Vec<u8> {
    let body = json!({"query": query, "variables": variables}).to_string();
    http::post("/graphql", &server::authorization(), body.as_bytes())
}

/// Sends a request and returns its data; errors and rejections are faults of the measurement.
pub(crate) async fn ask(connection: &mut Connection, request: &[u8]) -> Outcome<Value> {
    let answer = connection.exchange(request).await?;
    let status = answer.status;
    let mut body: Value = serde_json::from_slice(answer.body)?;
    if status != 200 || body.get("errors").is_some() {
        return Err(format!("GraphQL answered {status}: {body}").into());
    }
    Ok(body["data"].take())
}
