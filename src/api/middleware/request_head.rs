//! Checks a request's head before routing and authentication.
//!
//! hyper has checked the syntax, and that `Content-Length` is unambiguous. It accepts some heads that HTTP forbids; they are
//! rejected here, so that the response has the documented shape.

use std::net::Ipv6Addr;

use poem::{
    Request,
    http::{HeaderMap, HeaderValue, Version, header, uri::Authority},
};

use crate::api::error::ApiError;

/// Limits on the head of a request. hyper's own are higher, and respond without a body.
const MAX_HEADERS: usize = 64;
const MAX_HEAD_SIZE: usize = 16 * 1024;

/// Rejects a head over the limits, one whose message body or host is not certain, and a path that cannot be routed.
pub(super) fn check(request: &Request) -> Result<(), ApiError> {
    let (uri, headers) = (request.uri(), request.headers());
    let target = uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    check_size(target, headers)?;
    check_transfer_encoding(headers)?;
    check_host(request.version(), headers)?;
    // poem would match an empty segment with a parameter. `OPTIONS *` and CONNECT have no segment.
    let path = uri.path();
    if !path.starts_with('/') || path.contains("//") {
        return Err(ApiError::NoRoute {
            method: request.method().to_string(),
            path: path.to_owned(),
        });
    }
    Ok(())
}

fn check_size(target: usize, headers: &HeaderMap) -> Result<(), ApiError> {
    let sizes = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    if headers.len() > MAX_HEADERS || target + sizes.sum::<usize>() > MAX_HEAD_SIZE {
        return Err(ApiError::HeadersTooLarge);
    }
    Ok(())
}

/// `chunked` is the only transfer coding here (RFC 9112, section 6.1). hyper looks at the last one alone, so that the
/// body would be read without the others being decoded.
fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), ApiError> {
    let values = headers.get_all(header::TRANSFER_ENCODING).iter();
    let mut codings = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let is_chunked = |coding: &[u8]| {
        let coding = coding.trim_ascii();
        coding.is_empty() || coding.eq_ignore_ascii_case(b"chunked")
    };
    if codings.all(is_chunked) {
        Ok(())
    } else {
        Err(ApiError::UnknownTransferCoding)
    }
}

/// HTTP/1.1 requires exactly one valid `Host` (RFC 9112, section 3.2); HTTP/1.0 permits its absence.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), ApiError> {
    let mut values = headers.get_all(header::HOST).iter();
    let problem = match (values.next(), values.next()) {
        (None, _) if version < Version::HTTP_11 => return Ok(()),
        (Some(value), None) if is_valid_host(value) => return Ok(()),
        (Some(_), None) => "Host must be a host name or address, optionally with a port",
        _ => "Host must be sent exactly once",
    };
    Err(ApiError::BadRequest(problem.to_owned()))
}

/// Returns whether `value` is `uri-host [ ":" port ]`. It may be empty: that is the `Host` of a URI without an authority.
fn is_valid_host(value: &HeaderValue) -> bool {
    if value.is_empty() {
        return true;
    }
    let Ok(authority) = Authority::try_from(value.as_bytes()) else {
        return false;
    };
    // `Authority` also accepts user information, and any text as a port.
    let host = authority.host();
    let Some(rest) = authority.as_str().strip_prefix(host) else {
        return false;
    };
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = address.is_none_or(|address| address.parse::<Ipv6Addr>().is_ok());
    let port = rest.strip_prefix(':').unwrap_or(rest);
    is_host && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &header::HeaderName, values: &[&'static str]) -> HeaderMap {
        let values = values.iter().map(|value| HeaderValue::from_static(value));
        values.map(|value| (name.clone(), value)).collect()
    }

    #[test]
    fn host_is_a_name_or_an_address_with_an_optional_port() {
        for valid in [
            "",
            "x",
            "localhost:3001",
            "api.example.com",
            "192.0.2.1:80",
            "[::1]",
            "[::1]:3001",
            "x:",
            "a_b",
            "a-b.example",
        ] {
            assert!(is_valid_host(&HeaderValue::from_static(valid)), "{valid}");
        }
        for invalid in [
            "a b", "user@x", "x:80:80", "x:port", "x/y", "http://x", "[::1", "[zz]", "[::1]x",
            "x?y", "x#y", "<x>", "x\\y", "@", "x@",
        ] {
            assert!(
                !is_valid_host(&HeaderValue::from_static(invalid)),
                "{invalid}"
            );
        }
    }

    #[test]
    fn host_is_required_once_by_http_1_1_and_at_most_once_by_http_1_0() {
        let check = |version, hosts: &[&'static str]| {
            check_host(version, &headers(&header::HOST, hosts)).is_ok()
        };
        assert!(check(Version::HTTP_11, &["x"]));
        assert!(!check(Version::HTTP_11, &[]));
        assert!(!check(Version::HTTP_11, &["x", "x"]));
        assert!(check(Version::HTTP_10, &[]));
        assert!(check(Version::HTTP_10, &["x"]));
        assert!(!check(Version::HTTP_10, &["x", "y"]));
    }

    #[test]
    fn transfer_coding_is_chunked_only() {
        let check = |codings: &[&'static str]| {
            check_transfer_encoding(&headers(&header::TRANSFER_ENCODING, codings)).is_ok()
        };
        for known in [&[][..], &["chunked"], &["Chunked"], &[" chunked ,"]] {
            assert!(check(known), "{known:?}");
        }
        for unknown in [&["gzip, chunked"][..], &["x", "chunked"], &["identity"]] {
            assert!(!check(unknown), "{unknown:?}");
        }
    }
}
