//! Extracts the API key of a validation from `X-API-Key`.
//!
//! Not a security scheme of poem's, which would respond 401 before the request's parameters are checked.

use poem::{Request, RequestBody, Result, http::HeaderName};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::exactly_one::exactly_one;

/// The header that a key's secret comes in.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The scheme's name in the document.
const SCHEME: &str = "apiKey";

/// The content of `X-API-Key`.
pub(crate) enum PresentedKey {
    /// Absent or empty.
    Missing,
    /// Sent twice, or not ASCII: no key is written so.
    Malformed,
    /// Any other text.
    Text(String),
}

impl PresentedKey {
    /// The text to validate; `None` if the key is missing.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Missing => None,
            Self::Malformed => Some(""),
            Self::Text(text) => Some(text),
        }
    }
}

impl<'a> ApiExtractor<'a> for PresentedKey {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            SCHEME,
            MetaSecurityScheme {
                ty: "apiKey",
                description: None,
                name: Some("X-API-Key"),
                key_in: Some("header"),
                scheme: None,
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> Result<Self> {
        let headers = request.headers();
        let text = exactly_one(headers.get_all(&API_KEY)).and_then(|value| value.to_str().ok());
        Ok(match text {
            Some("") => Self::Missing,
            Some(text) => Self::Text(text.to_owned()),
            None if headers.contains_key(API_KEY) => Self::Malformed,
            None => Self::Missing,
        })
    }
}
