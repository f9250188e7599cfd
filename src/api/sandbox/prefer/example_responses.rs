//! The documented responses of one operation, ready to be sent.
//!
//! Built at start for each operation and used by the sandbox's middleware. Successes come from the OpenAPI document;
//! errors come from [`ApiError`], so that each has the headers that the real error has.

use std::collections::BTreeMap;

use hyper::body::Bytes;
use poem::{
    Response,
    http::{HeaderMap, HeaderName, StatusCode},
};
use poem_openapi::types::ToJSON;
use serde_json::{Map, Value};

use super::header::Preference;
use crate::api::{
    documented_error::{DocumentedError, ErrorsByStatus},
    error::ApiError,
    middleware::RequestedResponse,
};

/// All documented responses of an operation, by status.
pub(in crate::api::sandbox) struct ExampleResponses(BTreeMap<StatusCode, Vec<ExampleResponse>>);

struct ExampleResponse {
    /// The example's name in the document. `None` for the only response of a status.
    name: Option<String>,
    headers: HeaderMap,
    body: Bytes,
}

impl ExampleResponses {
    /// Collects the responses of an operation from its part of the document and from its errors.
    pub(in crate::api::sandbox) fn new(operation: &Value, errors: &ErrorsByStatus) -> Self {
        let mut responses = BTreeMap::new();
        for (status, response) in operation["responses"].as_object().into_iter().flatten() {
            if let Ok(status) = status.parse()
                && !errors.contains_key(&status)
            {
                responses.insert(status, successes(response));
            }
        }
        for (status, errors) in errors {
            responses.insert(*status, errors.iter().map(error_response).collect());
        }
        Self(responses)
    }

    /// Returns the preferred response.
    ///
    /// # Errors
    /// A 400 that lists the documented responses, if the preferred one is not among them.
    pub(in crate::api::sandbox) fn preferred(
        &self,
        preference: &Preference,
    ) -> Result<Response, ApiError> {
        let (status, example) = self.find(preference).ok_or_else(|| {
            let documented = self.list();
            ApiError::BadRequest(format!(
                "Prefer: {preference} is not a documented response of this operation; the documented ones are {documented}"
            ))
        })?;
        let mut response = Response::builder()
            .status(status)
            .content_type("application/json; charset=utf-8")
            .body(example.body.clone());
        let headers = response.headers_mut();
        headers.extend(example.headers.clone());
        response.set_data(RequestedResponse);
        Ok(response)
    }

    fn find(&self, preference: &Preference) -> Option<(StatusCode, &ExampleResponse)> {
        let has_code = |status: &StatusCode| match &preference.code {
            Some(code) => code == status.as_str(),
            None => true,
        };
        let has_name = |example: &&ExampleResponse| match &preference.example {
            Some(name) => example.name.as_ref() == Some(name),
            None => true,
        };
        let mut of_status = self.0.iter().filter(|(status, _)| has_code(status));
        of_status.find_map(|(status, examples)| Some((*status, examples.iter().find(has_name)?)))
    }

    /// Lists all responses: `code=200 (example=busy, …), code=401 (example=unauthenticated)`.
    fn list(&self) -> String {
        let of_status = |(status, examples): (&StatusCode, &Vec<ExampleResponse>)| {
            let names: Vec<_> = names(examples).collect();
            let code = status.as_str();
            match names.join(", ") {
                names if names.is_empty() => format!("code={code}"),
                names => format!("code={code} (example={names})"),
            }
        };
        self.0.iter().map(of_status).collect::<Vec<_>>().join(", ")
    }

    /// Returns each status with the names of its examples.
    pub(in crate::api::sandbox) fn names(&self) -> impl Iterator<Item = (u16, Vec<&str>)> {
        let of_status = self.0.iter();
        of_status.map(|(status, examples)| (status.as_u16(), names(examples).collect()))
    }
}

fn names(examples: &[ExampleResponse]) -> impl Iterator<Item = &str> {
    examples
        .iter()
        .filter_map(|example| example.name.as_deref())
}

/// Reads the examples of a success from the document.
fn successes(response: &Value) -> Vec<ExampleResponse> {
    let headers = headers(&response["headers"]);
    let media_type = &response["content"]["application/json"];
    let response = |name: Option<&String>, body: &Value| ExampleResponse {
        name: name.cloned(),
        headers: headers.clone(),
        body: body.to_string().into(),
    };
    match media_type["examples"].as_object() {
        Some(examples) => examples
            .iter()
            .map(|(name, example)| response(Some(name), &example["value"]))
            .collect(),
        None => vec![response(None, &media_type["example"])],
    }
}

fn headers(documented: &Value) -> HeaderMap {
    let documented: Option<&Map<String, Value>> = documented.as_object();
    let header = |(name, header): (&String, &Value)| {
        let value = header["example"].as_str()?;
        Some((name.parse::<HeaderName>().ok()?, value.parse().ok()?))
    };
    documented
        .into_iter()
        .flatten()
        .filter_map(header)
        .collect()
}

fn error_response(DocumentedError { name, error }: &DocumentedError) -> ExampleResponse {
    let header = |(name, value): (HeaderName, String)| Some((name, value.parse().ok()?));
    ExampleResponse {
        name: Some((*name).to_owned()),
        headers: error.headers().into_iter().filter_map(header).collect(),
        body: error.body().to_json_string().into(),
    }
}
