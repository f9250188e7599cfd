//! The documented answers of one operation, ready to be sent to who prefers one.
//!
//! Successes come from the document, refusals from [`Failure`] itself, so that the headers of each are its own. Made at
//! start, one for each operation, and used by [`super::operation`].

use std::collections::BTreeMap;

use hyper::body::Bytes;
use poem::{
    Response,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
};
use poem_openapi::types::ToJSON;
use serde_json::{Map, Value};

use super::preference::Preference;
use crate::api::{error::Failure, middleware::PREFERENCE_APPLIED, openapi};

/// All documented answers of an operation.
pub(super) struct Answers(BTreeMap<StatusCode, Vec<Answer>>);

struct Answer {
    /// None if the document does not name it: it is the only one of its status.
    name: Option<String>,
    headers: HeaderMap,
    body: Bytes,
}

impl Answers {
    /// The answers of an operation as the document has it, and what it may refuse.
    pub(super) fn new(operation: &Value, refusals: &BTreeMap<StatusCode, Vec<Failure>>) -> Self {
        let mut answers = BTreeMap::new();
        for (status, response) in operation["responses"].as_object().into_iter().flatten() {
            if let Ok(status) = status.parse()
                && !refusals.contains_key(&status)
            {
                answers.insert(status, successes(response));
            }
        }
        for (status, failures) in refusals {
            let refusals = openapi::named(failures).map(|(name, failure)| refusal(name, failure));
            answers.insert(*status, refusals.collect());
        }
        Self(answers)
    }

    /// The answer that is preferred.
    ///
    /// # Errors
    /// A 400 that lists what there is, when there is no such answer.
    pub(super) fn preferred(&self, wish: &Preference) -> Result<Response, Failure> {
        let (status, answer) = self.find(wish).ok_or_else(|| {
            let there_is = self.list();
            Failure::BadRequest(format!(
                "Prefer: {wish} is no answer of this operation; there is {there_is}"
            ))
        })?;
        let mut response = Response::builder()
            .status(status)
            .content_type("application/json; charset=utf-8")
            .body(answer.body.clone());
        let headers = response.headers_mut();
        headers.extend(answer.headers.clone());
        if let Ok(applied) = HeaderValue::try_from(wish.to_string()) {
            headers.insert(PREFERENCE_APPLIED, applied);
        }
        Ok(response)
    }

    fn find(&self, wish: &Preference) -> Option<(StatusCode, &Answer)> {
        let has_code = |status: &StatusCode| match &wish.code {
            Some(code) => code == status.as_str(),
            None => true,
        };
        let has_name = |answer: &&Answer| match &wish.example {
            Some(name) => answer.name.as_ref() == Some(name),
            None => true,
        };
        let mut of_status = self.0.iter().filter(|(status, _)| has_code(status));
        of_status.find_map(|(status, answers)| Some((*status, answers.iter().find(has_name)?)))
    }

    /// `code=200 (example=busy, …), code=401 (example=unauthenticated)`, for people.
    fn list(&self) -> String {
        let of_status = |(status, answers): (&StatusCode, &Vec<Answer>)| {
            let names: Vec<_> = names(answers).collect();
            let code = status.as_str();
            match names.join(", ") {
                none if none.is_empty() => format!("code={code}"),
                names => format!("code={code} (example={names})"),
            }
        };
        self.0.iter().map(of_status).collect::<Vec<_>>().join(", ")
    }

    /// Each status with the names of its examples.
    pub(super) fn names(&self) -> impl Iterator<Item = (u16, Vec<&str>)> {
        let of_status = self.0.iter();
        of_status.map(|(status, answers)| (status.as_u16(), names(answers).collect()))
    }
}

fn names(answers: &[Answer]) -> impl Iterator<Item = &str> {
    answers.iter().filter_map(|answer| answer.name.as_deref())
}

/// What the document says of a success.
fn successes(response: &Value) -> Vec<Answer> {
    let headers = headers(&response["headers"]);
    let media_type = &response["content"]["application/json"];
    let answer = |name: Option<&String>, body: &Value| Answer {
        name: name.cloned(),
        headers: headers.clone(),
        body: body.to_string().into(),
    };
    match media_type["examples"].as_object() {
        Some(examples) => examples
            .iter()
            .map(|(name, example)| answer(Some(name), &example["value"]))
            .collect(),
        None => vec![answer(None, &media_type["example"])],
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

fn refusal(name: String, failure: &Failure) -> Answer {
    let header = |(name, value): (HeaderName, String)| Some((name, value.parse().ok()?));
    Answer {
        name: Some(name),
        headers: failure.headers().into_iter().filter_map(header).collect(),
        body: failure.body().to_json_string().into(),
    }
}
