//! `X-API-Key`: the other door, for whoever uses a key rather than manages it.
//!
//! Not a security scheme of poem's: without the header, or with two, the answer is the one that a wrong key gets,
//! and the caller learns nothing from the difference.

use poem::{Request, RequestBody, Result, http::HeaderName};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::headers::only;

/// The header that a key's secret comes in.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The scheme's name in the document.
const SCHEME: &str = "apiKey";

/// What came in the header: a secret, or anything else; `None` unless there is exactly one.
pub(crate) struct PresentedKey(pub(crate) Option<String>);

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
        let sent = only(request.headers(), &API_KEY);
        let text = sent.and_then(|value| value.to_str().ok());
        Ok(Self(text.map(str::to_owned)))
    }
}
